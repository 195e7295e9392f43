"""Columns made of the texts alone, without any model: the rows of the text baseline."""
