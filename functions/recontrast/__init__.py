"""Holds failures anew against healthy runs, where these have changed."""
