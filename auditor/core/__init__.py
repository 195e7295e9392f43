"""Basics for every other room: errors, files, discovery, seeds, text."""
