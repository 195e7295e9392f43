"""Token signals: the records every feature is computed from, how they are made, and where they are kept."""
