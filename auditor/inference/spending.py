"""Levels for the same plants at checkpoint after checkpoint, of which nobody knows how many will come."""

from __future__ import annotations

import math


def checkpoint_level(number: int, alpha: float) -> float:
    """The level at the j-th checkpoint: 6 alpha / (pi^2 j^2), which add up to alpha over all checkpoints there can be.

    Null: the model of no checkpoint depends on the coins. Unit: the checkpoint. Assumption: checkpoints are numbered in
    the order in which they are tested, before their results; none on dependence. Source: the union bound with Euler's
    sum of 1 / j^2.

    Args:
        number: j, from 1.
        alpha: Probability of one or more false rejections over all of them.

    Raises:
        ValueError: The number is below one.
    """
    if number < 1:
        raise ValueError(f"checkpoints are numbered from 1, not {number}")
    return 6.0 * alpha / (math.pi * number) ** 2
