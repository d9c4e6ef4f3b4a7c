"""One process that hosts every function on the embedded backend."""
