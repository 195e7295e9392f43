"""Layers of a network: separability of suspect and held-out texts, and change of each layer since the origin."""
