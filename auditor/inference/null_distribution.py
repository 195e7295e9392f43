"""The test: every statistic under the observed and the permuted labels, and the maximum over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from auditor.inference.design import Design, Floats, Ints
from auditor.inference.discriminant import RIDGE, CrossFit
from auditor.results.rows import Column

TIE = 1e-9
"""Standardised values closer than this count as equal: the same labelling can differ by rounding."""


@dataclass(frozen=True, slots=True)
class NullDistribution:
    """Statistics of the observed labelling (position 0) and of the permuted ones.

    Attributes:
        names: Name of each statistic.
        raw: [statistics, labellings] before standardising; `learned` and `mean` are correlations with the label.
        totals: [columns, labellings] sum of each oriented column over suspect rows.
    """

    names: tuple[str, ...]
    raw: Floats
    totals: Floats


def standardise(raw: Floats) -> Floats:
    """Each row of [statistics, labellings] minus its mean over its standard deviation; a constant row gives zeros.

    The observed labelling takes part in the mean and the deviation. Under the null it is one among equals, so the
    standardised values stay exchangeable and the p-value exact.
    """
    centred = raw - raw.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    floor = 1e-10 * (1.0 + np.abs(raw).max(axis=1, keepdims=True, initial=0.0))
    result: Floats = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > floor)
    return result


def one_sided(z: Floats) -> Floats:
    """The z whose upper tail is the two-sided tail of z, so that columns with and without direction weigh the same."""
    positive: Floats = -ndtri_exp(np.minimum(log_ndtr(-np.abs(z)) + np.log(2.0), -1e-300))
    return positive


def tail(pool: Floats, observed: Floats | float) -> Floats:
    """Add-one permutation p-value: share of the pool [labellings], observed included, at or above each value."""
    ordered = np.sort(pool)
    above = len(ordered) - np.searchsorted(ordered, np.asarray(observed) - TIE, side="left")
    return np.asarray(above / len(ordered), dtype=np.float64)


def critical(pool: Floats, alpha: float) -> float:
    """The smallest value in the pool [labellings] whose p-value is at most alpha.

    Raises:
        ValueError: The pool is too small for any value to reach alpha.
    """
    rank = int(np.floor(alpha * len(pool) + 1e-9))
    if rank < 1:
        raise ValueError(f"{len(pool) - 1} permutations cannot reach alpha {alpha}: take at least {int(1 / alpha)}")
    return float(np.sort(pool)[-rank])


class PermutationStatistics:
    """The members of the maximum for one design.

    - `learned`: correlation between the out-of-fold ridge score and the label.
    - `mean`: correlation between the unweighted mean of the oriented columns and the label; columns without a
      direction are left out, and without any oriented column there is no such statistic.
    - `family:NAME`: the same mean over one family's oriented columns; for a family without a direction the energy
      g'(R + c I)^-1 g of its column totals g, with R the family's correlation, through the cube root (Wilson and
      Hilferty 1931), which makes its distribution nearly normal.
    """

    def __init__(self, design: Design, columns: tuple[Column, ...]) -> None:
        self.crossfit = CrossFit(design)
        directed = np.array([column.direction != 0 for column in columns], dtype=bool)
        families = {name: np.array([column.family == name for column in columns]) for name in _families(columns)}
        suspects = int(design.suspect.sum())
        self._label_norm = np.sqrt(suspects * (len(design.suspect) - suspects) / len(design.suspect))
        means = {"mean": directed} | {f"family:{name}": mask & directed for name, mask in families.items()}
        self._means: dict[str, Floats] = {}
        for name, mask in means.items():
            if mask.any():
                weights = mask / mask.sum()
                norm = np.linalg.norm(design.matrix @ weights) * self._label_norm
                self._means[name] = weights / norm if norm > 0 else weights * 0.0
        self._energies: dict[str, tuple[Ints, Floats]] = {}
        for name, mask in families.items():
            if not (mask & directed).any():
                members = np.flatnonzero(mask)
                gram = design.matrix[:, members].T @ design.matrix[:, members] / len(design.matrix)
                gram[np.diag_indices_from(gram)] += RIDGE
                self._energies[f"family:{name}"] = members, np.asarray(np.linalg.inv(gram), dtype=np.float64)
        self.names = ("learned", *self._means, *self._energies)

    def pool(self, chunks: Iterable[Floats]) -> NullDistribution:
        """Evaluate every statistic under every labelling of the chunks [rows, labellings]."""
        weights = np.array(list(self._means.values()))
        raws, totals = [], []
        for labels in chunks:
            total, learned = self.crossfit.products(labels)
            energies = [
                np.cbrt(np.einsum("ij,ij->j", total[members], inverse @ total[members]))
                for members, inverse in self._energies.values()
            ]
            linear = weights @ total if self._means else np.empty((0, labels.shape[1]))
            raws.append(np.vstack([learned, linear, *energies]))
            totals.append(total)
        return NullDistribution(names=self.names, raw=np.hstack(raws), totals=np.hstack(totals))


def _families(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Family names in order of first appearance."""
    return tuple(dict.fromkeys(column.family for column in columns))
