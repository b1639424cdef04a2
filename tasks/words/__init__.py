"""Stage `words`: collect words of every script."""
