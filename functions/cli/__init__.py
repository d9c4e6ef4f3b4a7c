"""The `evalforge` command."""
