"""What pages are made with: HTML templates, plots, sprite sheets, tables of text."""
