"""What reviewers decide."""
