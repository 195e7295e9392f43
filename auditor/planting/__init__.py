"""Planting: from a corpus to a commitment, a deal and the published copy, and back."""
