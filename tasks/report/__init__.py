"""Stage `report`: the static site, a module a page."""
