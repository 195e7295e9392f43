"""States: what a checkpoint does with the suspect set, and nothing but figures to say so."""
