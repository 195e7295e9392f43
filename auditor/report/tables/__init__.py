"""The figures of a series as tables of text, for every format that sets tables."""
