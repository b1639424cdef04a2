"""Stage `tag`: check the crops, split them without leaks, and say what is in the table."""
