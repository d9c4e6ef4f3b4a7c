"""What two rooms need, and nothing else."""
