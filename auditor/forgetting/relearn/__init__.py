"""Interventions: what short training or rounding of a checkpoint recovers, tested against chance."""
