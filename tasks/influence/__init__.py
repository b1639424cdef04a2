"""`unfont influence`: which variables of a table drive a network, its outputs and its neurons."""
