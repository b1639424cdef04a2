"""WHY: torch only: network, heads, losses, invariance, degradations, explainers."""
