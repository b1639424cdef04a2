"""Stage `tag`: check the crops, split them without leakage, and describe the table."""
