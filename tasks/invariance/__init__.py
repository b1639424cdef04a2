"""Stage `invariance`: continue training while the embedding loses the nuisance."""
