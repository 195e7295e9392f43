"""What everything stands on: errors, files, discovery, seeds."""
