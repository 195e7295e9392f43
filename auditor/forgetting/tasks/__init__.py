"""Labelled tasks under a series: what the head lost, what the representation lost."""
