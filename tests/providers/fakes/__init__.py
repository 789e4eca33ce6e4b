"""One module per provider; each has one class with the name Provider."""
