"""Stage `invariance`: train on while the network forgets the nuisance."""
