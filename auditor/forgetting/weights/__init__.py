"""Weights: what training changed in a checkpoint, tensor by tensor, without a model in memory."""
