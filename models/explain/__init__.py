"""Looking inside a network: what activates its units, and which pixels a prediction depends on."""
