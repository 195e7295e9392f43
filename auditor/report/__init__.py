"""Pure renderers of a result. Nothing here computes a statistic, reads a model or imports torch."""
