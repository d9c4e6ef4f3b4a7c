"""Traces of a shop assistant, made up from a seed: each way to fail beside a like run that went right."""
