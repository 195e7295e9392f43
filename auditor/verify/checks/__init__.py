"""Checks of a stored result, one file each, collected by discovery."""
