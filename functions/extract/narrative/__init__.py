"""What a model is asked of a failure, and what of its answer may be said."""
