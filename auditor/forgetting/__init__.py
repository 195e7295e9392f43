"""Forgetting: the same documents under the checkpoints of a series."""
