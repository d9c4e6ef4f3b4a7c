"""Groups failures by signature, then groups by similarity within an application."""
