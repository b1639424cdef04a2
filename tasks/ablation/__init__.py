"""Architecture experiments on faces: variants of one small network, each claim about them as a number."""
