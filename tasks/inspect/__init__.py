"""`unfont draw` and `unfont explain`: look at single units and single images, of any network."""
