"""`unfont sweep`: train many settings, and compare them on validation."""
