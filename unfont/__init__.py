"""READ: a picture of writing as the windows that a network reads, and their probabilities as one; numpy and Pillow."""
