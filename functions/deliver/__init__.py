"""Tells people outside about suggestions and decisions."""
