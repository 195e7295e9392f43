"""Token signals: the records every feature is computed from, and the kernel that computes them."""
