"""What is asked of a stored result, one file each, found by looking."""
