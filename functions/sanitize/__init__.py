"""Fetches a trace, redacts it in memory, and stores only the redacted form."""
