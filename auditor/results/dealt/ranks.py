"""RankTest: the outcome of an exact test of ranks of published against withheld text."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.separability import Interval

RankStatistic = Literal["rank-sum", "signed-rank", "two-sample-rank-sum"]
"""Ranks of published candidates among their decoys; signed ranks of differences of twins; ranks of published documents
among all documents of their stratum."""


class RankTest(Record):
    """One-sided test of whether published text is more familiar than withheld text; null: the coins did not matter."""

    statistic: RankStatistic
    """Which ranks are summed."""

    units: Count
    """Units that were dealt by independent coins; documents in a dealt hold-out."""

    value: Number
    """The sum: of decoys below each published candidate; of ranks of positive differences; of pairs of documents of one
    stratum in which the published one scores higher."""

    expected: Number
    """Its mean under the null."""

    share: Share
    """The sum over its largest possible value: 0.5 under the null, 1 where every published text comes first; an AUC."""

    share_interval: Interval
    """95 % interval of the share over units like these, from the Beta distribution with as many trials as give the
    variance that was observed. Assumption: units are independent. The p-value does not need it."""

    p_value: Share
    """Probability under the coins of a sum at least this large, never zero."""

    exact: bool
    """Whether the p-value is that probability to seven digits; else it is an upper bound, as valid and larger."""

    underflow: bool = False
    """Whether the p-value is smaller than any positive floating-point number; the smallest one then stands for it."""
