"""Records of the result of a test of dealt material."""
