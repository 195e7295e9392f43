"""Figures of the HTML report, one file a figure; each is found by looking."""
