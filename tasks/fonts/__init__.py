"""Stage `fonts`: fetch fonts, read them, and group the families that are one design."""
