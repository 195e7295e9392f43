"""Tests of dealt material: from a plan and a model to a verdict that rests on coins."""
