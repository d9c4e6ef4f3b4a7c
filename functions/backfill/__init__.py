"""Searches a range of the past again, window by window."""
