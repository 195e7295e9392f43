"""Inference: rows in, p-value, effect and power out. Knows no text and no model."""
