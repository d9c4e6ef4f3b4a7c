"""Says what failed in a capture, where and why, by rules, and computes its signature."""
