"""Documents and corpora: reading them, fingerprinting them, and comparing the two sides."""
