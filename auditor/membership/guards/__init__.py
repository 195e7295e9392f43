"""Reasons to refuse a comparison, one file each, found by looking."""
