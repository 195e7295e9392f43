"""What needs torch: loaded models and the process settings they run under. Not searched for loaders."""
