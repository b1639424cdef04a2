"""Stage `fonts`: fetch fonts, read them, and tell which families draw one design."""
