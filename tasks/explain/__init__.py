"""Look inside a network: its units, its likeness to another one, what a prediction rests on."""
