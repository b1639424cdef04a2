"""Training, its checkpoints, and the model's folder: what every training stage shares."""
