"""Models that can be audited: the protocol of a backend, and one file for each kind."""
