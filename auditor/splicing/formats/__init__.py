"""Formats of files that can be spliced, one a file; discovery finds them."""
