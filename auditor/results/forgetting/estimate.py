"""Estimate: a figure with its interval."""

from __future__ import annotations

from auditor.core.record import Number, Record, Share


class Estimate(Record):
    """A figure with its two-sided interval from a bootstrap by group, paired by document across checkpoints."""

    value: Number
    low: Number
    high: Number
    level: Share = 0.95
