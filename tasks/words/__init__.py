"""Stage `words`: collect real words of every script."""
