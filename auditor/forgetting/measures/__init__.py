"""Measures: pure functions of a scored series; nothing here knows a model."""
