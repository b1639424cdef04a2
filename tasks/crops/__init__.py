"""Stage `crops`: render words and backgrounds."""
