"""One file a format of configuration files."""
