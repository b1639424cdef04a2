"""What the live page shows of a network: its layers' activations on the present picture, and what drives them."""
