"""Kinds of identifiers, one file a kind, collected by discovery."""
