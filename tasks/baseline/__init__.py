"""Stage `baseline`: train round 0."""
