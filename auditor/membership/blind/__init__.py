"""What can be told from the texts alone, without any model: the columns of the blind guard."""
