"""Activation maximisation: images that are optimised to activate a unit."""
