"""The ports on one SQLite file: a backend that needs Python alone."""
