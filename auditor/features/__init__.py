"""Features: pure functions of token records, one file a family, found by discovery."""
