"""Crops with no text in them: the generators of `Zxxx`."""
