"""From texts to records: what has to be scored, in which batches, and the store that keeps it."""
