"""The crop table: its schema, its readers, and the rules that split it."""
