"""Stage `round`: score the pool, select what to add, train on."""
