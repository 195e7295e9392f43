"""Labelled tasks under a series: accuracy lost by the output layer and by the hidden states."""
