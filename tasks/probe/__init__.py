"""Stage `probe`: what a fresh classifier decodes of each nuisance from frozen features."""
