"""Layers: where in a network suspect and held-out texts differ, and how far each layer moved since the origin."""
