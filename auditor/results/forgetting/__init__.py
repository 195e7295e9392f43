"""What a series of checkpoints showed, as it is written to a result."""
