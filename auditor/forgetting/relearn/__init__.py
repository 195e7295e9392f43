"""Interventions: what a short training or a rounding of a checkpoint brings back, and whether by chance."""
