"""Reasons to refuse a comparison, one file a guard, collected by discovery."""
