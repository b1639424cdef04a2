"""What the command line shows of what was made: fonts, a crop's history, pages for review."""
