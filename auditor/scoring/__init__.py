"""From texts to records: scoring requests, batches, and the score store."""
