"""Stages `baseline` and `invariance`: training, its checkpoints, and the model's folder."""
