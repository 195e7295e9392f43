"""Tests of what nobody planned: the order in which a file was published, and identifiers of known law."""
