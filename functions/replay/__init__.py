"""Does a stage's work again, from what the broker retains or from what is stored."""
