"""Sends dead letters again: by itself those whose cause may have passed, by hand any."""
