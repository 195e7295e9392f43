"""Verifying: whether a stored result is whole, agrees with itself, and fits the data and models it names."""
