"""Means to show things: HTML pages, plots, sprite sheets, tables of text."""
