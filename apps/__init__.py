"""WHO: what people touch: the command line, the served model, doctor."""
