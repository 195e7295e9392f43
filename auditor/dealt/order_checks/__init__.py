"""Reasons to refuse an order test, one file a check, collected by discovery; none needs a model."""
