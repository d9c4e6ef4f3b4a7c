"""A stand-in for Datadog: the part of its API that EvalForge talks to, on loopback."""
