"""Looking inside a network: what its units answer to."""
