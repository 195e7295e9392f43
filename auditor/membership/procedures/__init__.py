"""Published decision procedures, run for comparison, one file each. They never make the verdict."""
