"""What has to hold for a test of dealt material to carry a verdict: one file a condition."""
