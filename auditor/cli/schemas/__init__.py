"""The JSON Schemas of what the tool reads and writes, one file a schema."""
