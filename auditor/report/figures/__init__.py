"""Figures of the HTML report, one file a figure; discovered in this folder."""
