"""Writes an eval test, a guardrail and a runbook for a suggestion."""
