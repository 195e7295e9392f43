"""Verification of a test of dealt material."""
