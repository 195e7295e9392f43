"""Renderers of a batch: pure functions of its outcome, one file each, discovered in this folder."""
