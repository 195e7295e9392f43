"""Published decision procedures, run beside ours for comparison; one file each. They never make the verdict."""
