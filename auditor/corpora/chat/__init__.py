"""Conversations and pairs of prompt and answer: recognised, rendered as text, with the answers marked."""
