"""Keeps messages that were delivered too often, where people see them."""
