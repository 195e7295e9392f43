"""Renderers of a test of dealt material, in every format."""
