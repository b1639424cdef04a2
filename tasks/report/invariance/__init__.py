"""The report's page of invariance: modes, the probe, the map of embeddings, the training curves."""
