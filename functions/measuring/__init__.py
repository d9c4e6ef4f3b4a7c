"""How well a stage does its work: labels in, figures out; pure, and asked by the command line."""
