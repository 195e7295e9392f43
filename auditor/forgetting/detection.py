"""Detection: `auditor check` in small at every checkpoint, corrected for looking several times."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from auditor.core.answers import AnswerCache
from auditor.features.loss import bits_per_byte
from auditor.features.table import drop_sparse, group_rows
from auditor.inference.adjusted import adjusted, changes
from auditor.inference.multiplicity import holm
from auditor.membership.assess import MembershipAssessment, Reference, assess, towards_training
from auditor.membership.guards.case import TextBaseline
from auditor.membership.guards.guard import guards_where
from auditor.results.forgetting.measurements import Role, SeriesMeasurements
from auditor.results.forgetting.policy import n_detection_tests
from auditor.results.forgetting.series import ChangeTest, Detection
from auditor.results.policy import Policy
from auditor.results.rows import FeatureTable, Rows
from auditor.results.separability import Separability

ORIGIN = "origin"


def detect(
    measurements: SeriesMeasurements,
    baseline: TextBaseline,
    *,
    answers: AnswerCache,
    required_auc: float,
    refused: Collection[str] = (),
) -> dict[str, Detection]:
    """Ask at every checkpoint whether the suspect set is told from the held-out one, by features of a single pass.

    Two tests can make a detection. The first is the engine on the features of the checkpoint, with every guard
    passed that ran. The second is the engine on the change of the loss since the origin: it needs an effect of the
    required size in the direction of training, a change that text and origin do not explain (as `excess` does), and
    every guard passed that judges the comparison itself. The p-values of both are corrected together (Holm).

    The origin is the reference of later checkpoints, unless the test rejects there: then it carries the trace, or the
    sets differ without one, and the text alone is what a later rejection is held against.

    Args:
        measurements: The series.
        baseline: The text of its two sides.
        answers: Asked for the guards that read texts alone.
        required_auc: Smallest AUC of a change that counts.
        refused: Checkpoints at which the placebo set stands out too, so that nothing can count as detected.

    Returns:
        By checkpoint name.
    """
    assessments, moved = dict[str, MembershipAssessment](), dict[str, _Moved]()
    reference: Rows | None = None
    alpha = _alpha(measurements, baseline)
    cut = (measurements.sets["suspect"].truncated, measurements.sets["heldout"].truncated)
    for index, checkpoint in enumerate(measurements.checkpoints):
        assessment = assess(
            baseline,
            set_rows(measurements, index, "suspect"),
            controls=None,
            references={} if reference is None else {ORIGIN: Reference(reference)},
            numerics={checkpoint.name: checkpoint.numerics},
            truncated=(cut[0][index], cut[1][index]),
            alpha=alpha,
            answers=answers,
        )
        assessments[checkpoint.name] = assessment
        if index == 0 and assessment.membership.p_value > baseline.policy.alpha:
            reference = assessment.rows
        elif reference is not None:
            moved[checkpoint.name] = _loss_change(assessment.rows, reference, baseline, alpha)
    p_values = [part.membership.p_value for part in assessments.values()]
    p_values += [change.plain.p_value for change in moved.values()]
    corrected = _holm(p_values, len(assessments))
    by_change = dict(zip(moved, corrected[len(assessments) :], strict=True))
    return {
        name: _detection(
            assessment,
            p_adjusted,
            _change(assessment, moved[name], by_change[name], baseline.policy, required_auc, refused=name in refused)
            if name in moved
            else None,
            baseline.policy,
            refused=name in refused,
        )
        for (name, assessment), p_adjusted in zip(assessments.items(), corrected, strict=False)
    }


@dataclass(frozen=True, slots=True)
class _Moved:
    """The change of the loss since the origin, as it is and less what text and origin predict of it."""

    plain: Separability
    adjusted: Separability


def _loss_change(rows: Rows, origin: Rows, baseline: TextBaseline, alpha: float) -> _Moved:
    change = changes(_loss_alone(rows), _loss_alone(origin))
    rest = adjusted(change, baseline.text_rows, origin, rng=baseline.stream("adjustment of the change"))
    return _Moved(baseline.test(change, "change", alpha), baseline.test(rest, "adjusted change", alpha))


def _loss_alone(rows: Rows) -> Rows:
    position = [column.name for column in rows.columns].index(bits_per_byte.name)
    return Rows(rows.values[:, [position]], rows.suspect, rows.groups, (rows.columns[position],))


def _holm(p_values: Sequence[float], checkpoints: int) -> tuple[float, ...]:
    """Holm over the number of tests that the settings give, so that a change not tested still costs its share."""
    rest = n_detection_tests(checkpoints) - len(p_values)
    return tuple(holm([*p_values, *[1.0] * rest])[: len(p_values)])


def _alpha(measurements: SeriesMeasurements, baseline: TextBaseline) -> float:
    """The level of the first step of Holm over the tests of all checkpoints."""
    return baseline.policy.alpha / n_detection_tests(len(measurements.checkpoints))


def _detection(
    assessment: MembershipAssessment, p_adjusted: float, change: ChangeTest | None, policy: Policy, *, refused: bool
) -> Detection:
    membership = assessment.membership
    sound = not refused and all(guard.status != "failed" for guard in assessment.guards)
    return Detection(
        p_value=membership.p_value,
        p_adjusted=p_adjusted,
        auc=membership.auc,
        auc_interval=membership.auc_interval,
        mean_z=membership.mean_z,
        detectable_auc=membership.detectable_auc,
        change=change,
        detected=(sound and p_adjusted <= policy.alpha) or (change is not None and change.detected),
        guards=assessment.guards,
    )


def _change(
    assessment: MembershipAssessment,
    moved: _Moved,
    p_adjusted: float,
    policy: Policy,
    required_auc: float,
    *,
    refused: bool,
) -> ChangeTest:
    """The second test; guards that judge a rejection of the first have no part in it."""
    spared = guards_where(lambda guard: guard.only_after_rejection)
    sound = not refused and all(g.status != "failed" or g.name in spared for g in assessment.guards)
    (column,), mean_z = moved.plain.columns, moved.plain.mean_z
    towards = mean_z is not None and mean_z >= -ndtri(policy.direction_alpha)
    p_beyond = towards_training(moved.adjusted)
    beyond = p_beyond <= policy.excess_alpha
    return ChangeTest(
        p_value=moved.plain.p_value,
        p_adjusted=p_adjusted,
        auc=column.auc,
        mean_z=mean_z,
        p_beyond=p_beyond,
        detected=bool(sound and towards and beyond and p_adjusted <= policy.alpha and column.auc >= required_auc),
    )


def detect_placebo(measurements: SeriesMeasurements, baseline: TextBaseline) -> dict[str, float]:
    """The engine's p-values with the placebo set in the place of the suspect set.

    At each checkpoint the smaller one of the features and of the change of the loss since the origin, corrected over
    the tests of all checkpoints (Holm). Null: placebo and held-out groups are exchangeable at the checkpoint. Unit: the
    group.

    Returns:
        By checkpoint name; empty where there is no placebo set.
    """
    if "placebo" not in measurements.sets:
        return {}
    rows = [
        drop_sparse(set_rows(measurements, index, "placebo"), baseline.policy.most_missing)
        for index in range(len(measurements.names))
    ]
    alpha = _alpha(measurements, baseline)
    levels = [baseline.test(side_rows, "placebo", alpha).p_value for side_rows in rows]
    moved = [changes(_loss_alone(side_rows), _loss_alone(rows[0])) for side_rows in rows[1:]]
    by_change = [baseline.test(side_rows, "placebo change", alpha).p_value for side_rows in moved]
    corrected = _holm([*levels, *by_change], len(rows))
    smaller = [corrected[0], *map(min, corrected[1 : len(rows)], corrected[len(rows) :])]
    return dict(zip(measurements.names, smaller, strict=True))


def set_rows(measurements: SeriesMeasurements, index: int, role: Role) -> Rows:
    """The rows of single-pass features of one set against held-out at one checkpoint."""
    ours, theirs = measurements.sets[role], measurements.sets["heldout"]
    mine, other = ours.features[index], theirs.features[index]
    table = FeatureTable(columns=mine.columns, values=np.vstack([mine.values, other.values]))
    return group_rows(table, [*ours.groups, *theirs.groups], [True] * len(ours.ids) + [False] * len(theirs.ids))
