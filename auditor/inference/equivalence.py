"""Equivalence: is a difference of means shown to be small, and how small a difference would be detected?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from auditor.inference.design import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class MeanGap:
    """A difference of two means with its sampling error.

    Attributes:
        difference: Suspect mean less held-out mean.
        standard_error: Of the difference.
        degrees: Degrees of freedom of the error (Welch and Satterthwaite).
        spread: Pooled standard deviation over rows.
    """

    difference: float
    standard_error: float
    degrees: float
    spread: float


def mean_gap(values: Floats, suspect: Bools, pairs: Ints) -> MeanGap:
    """Difference of means of one column with Welch's error.

    The two rows of a group on both sides count as one observation, so that what they share cancels.

    Args:
        values: [rows] without missing values.
        suspect: [rows] labels.
        pairs: [pairs, 2] the two rows of each group on both sides.

    Raises:
        ValueError: A side has fewer than two rows.
    """
    sides = values[suspect], values[~suspect]
    counts = [len(side) for side in sides]
    if min(counts) < 2:
        raise ValueError(f"two rows a side are needed, not {counts[0]} and {counts[1]}")
    influence = np.empty(len(values))
    for mask, side, sign in ((suspect, sides[0], 1.0), (~suspect, sides[1], -1.0)):
        influence[mask] = sign * (side - side.mean()) / math.sqrt(len(side) * (len(side) - 1))
    alone = np.ones(len(values), dtype=bool)
    alone[pairs.ravel()] = False
    parts = [influence[alone & suspect], influence[alone & ~suspect], influence[pairs].sum(axis=1)]
    squares = np.array([float(np.square(part).sum()) for part in parts])
    freedom = np.array([max(len(part) - 1, 1) for part in parts])
    total = float(squares.sum())
    pooled = sum(float(np.square(side - side.mean()).sum()) for side in sides) / (sum(counts) - 2)
    return MeanGap(
        difference=float(sides[0].mean() - sides[1].mean()),
        standard_error=math.sqrt(total),
        degrees=total**2 / float((np.square(squares) / freedom).sum()) if total > 0 else float(sum(counts) - 2),
        spread=math.sqrt(pooled),
    )


def equivalence_pvalue(gap: MeanGap, margin: float) -> float:
    """P-value of the two one-sided tests that a difference lies within a margin.

    Source: Schuirmann 1987; Welch's t on both sides. Null: |difference| >= margin. Unit: the row. Assumption: the means
    are nearly normal. A margin that is itself a multiple of the estimated spread adds error of its own, which shifts
    the level by less than two thousandths for margins up to 0.3 standard deviations.

    Args:
        gap: The difference and its error.
        margin: Half-width of the range that counts as none, in the unit of the difference; zero is never shown.
    """
    if gap.standard_error == 0:
        return 0.0 if abs(gap.difference) < margin else 1.0
    return float(stdtr(gap.degrees, (abs(gap.difference) - margin) / gap.standard_error))


def detectable_difference(gap: MeanGap, *, alpha: float, power: float) -> float:
    """Smallest difference that a two-sided t-test at `alpha` detects with the given power, in the unit of the gap.

    (t_{1-alpha/2} + t_power) standard errors; the chance of rejecting on the wrong side is left out, which is far below
    alpha at any power above one half.
    """
    return gap.standard_error * float(stdtrit(gap.degrees, 1 - alpha / 2) + stdtrit(gap.degrees, power))
