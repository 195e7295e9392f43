"""Designs of a plan, one file each."""
