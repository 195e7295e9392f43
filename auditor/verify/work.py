"""How much a result asks to be recomputed, counted before anything is."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.audit.inputs import AuditInputs
from auditor.inference.curve import curve_permutations, curve_sizes
from auditor.results.forgetting.measurements import Role
from auditor.results.rows import FeatureTable
from auditor.verify.limits import MOST_PERMUTATIONS, MOST_TOTALS, MOST_WORK, TooLongError

_TESTS: dict[Role, int] = {"suspect": 2, "heldout": 3, "placebo": 1}
"""Tests that the features of a set enter at one checkpoint, and as many that its loss alone does.

Suspect and held-out: membership and the change from the origin less what text and origin predict of it; the change of
the loss as it is and less that. Placebo and held-out: membership; the change of the loss.
"""


def require_feasible(inputs: AuditInputs, *, long: bool) -> None:
    """Refuse inputs whose figures take too much memory or time to recompute.

    Args:
        inputs: The inputs of the result.
        long: Whether any time is taken.

    Raises:
        TooLongError: They do.
    """
    permutations = inputs.settings.permutations
    widest = max(len(table.columns) for table in _tables(inputs))
    if permutations > MOST_PERMUTATIONS or permutations * widest > MOST_TOTALS:
        raise TooLongError(f"{permutations:,} permutations of {widest:,} columns are too many to recompute")
    steps, groups = permuted_cells(inputs), len(set(zip(inputs.sides, inputs.groups, strict=True)))
    if steps + 10 * groups**2 > MOST_WORK and not long:
        raise TooLongError(
            f"{steps:,} permutations of measured figures of {groups:,} groups take more than minutes to recompute",
            hint="Give --long if the file is meant to hold so many.",
        )


def permuted_cells(inputs: AuditInputs) -> int:
    """Measured figures that all permutations of all tests read, at most; a group has as many as its documents here.

    Of each reference two tests are made: of the reference itself, and of the change of the audited model from it.
    """
    measurements = inputs.measurements
    features = measurements.features.values
    count = measurements.text.values.size + (1 + len(measurements.controls)) * features.size
    count += sum(table.values.size for table in measurements.controls.values())
    if measurements.series is not None:
        for role, corpus in measurements.series.sets.items():
            size = sum(table.values.size + len(table.values) for table in corpus.features)
            count += _TESTS.get(role, 0) * size
    sides = (sum(inputs.sides), len(inputs.sides) - sum(inputs.sides))
    curve = 2 * sum(curve_sizes(min(sides))[:-1]) * features.shape[1]
    return int(inputs.settings.permutations * count + curve_permutations(inputs.settings.policy.alpha) * curve)


def _tables(inputs: AuditInputs) -> Iterator[FeatureTable]:
    """All permuted tables."""
    measurements = inputs.measurements
    yield from (measurements.features, measurements.text, *measurements.controls.values())
    if measurements.series is not None:
        for corpus in measurements.series.sets.values():
            yield from corpus.features
