"""Detection: `auditor check` in small at every checkpoint, corrected for looking several times."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from auditor.core.answers import AnswerCache
from auditor.features.table import drop_sparse, group_rows
from auditor.inference.multiplicity import holm
from auditor.membership.assess import MembershipAssessment, assess
from auditor.membership.guards.case import TextBaseline
from auditor.results.forgetting.measurements import Role, SeriesMeasurements
from auditor.results.forgetting.series import Detection
from auditor.results.policy import Policy
from auditor.results.rows import FeatureTable, Rows


def detect(
    measurements: SeriesMeasurements, baseline: TextBaseline, *, answers: AnswerCache, refused: Collection[str] = ()
) -> dict[str, Detection]:
    """Ask at every checkpoint whether the suspect set is told from the held-out one, by features of a single pass.

    The p-values are the engine's, with Holm's correction over the checkpoints; a detection also needs every guard that
    ran at that checkpoint to have passed.

    Args:
        measurements: The series.
        baseline: What the text of its two sides tells.
        answers: Asked for the guards that read texts alone.
        refused: Checkpoints at which the placebo set stands out too, so that nothing can count as detected.

    Returns:
        By checkpoint name.
    """
    assessments: dict[str, MembershipAssessment] = {}
    cut = (measurements.sets["suspect"].truncated, measurements.sets["heldout"].truncated)
    for index, checkpoint in enumerate(measurements.checkpoints):
        assessments[checkpoint.name] = assess(
            baseline,
            set_rows(measurements, index, "suspect"),
            controls=None,
            changes={},
            numerics={checkpoint.name: checkpoint.numerics},
            truncated=(cut[0][index], cut[1][index]),
            alpha=_alpha(measurements, baseline),
            answers=answers,
        )
    adjusted = holm([assessment.membership.p_value for assessment in assessments.values()])
    return {
        name: _detection(assessment, p_adjusted, baseline.policy, refused=name in refused)
        for (name, assessment), p_adjusted in zip(assessments.items(), adjusted, strict=True)
    }


def _alpha(measurements: SeriesMeasurements, baseline: TextBaseline) -> float:
    """The level of the first step of Holm over the checkpoints."""
    return baseline.policy.alpha / len(measurements.checkpoints)


def _detection(assessment: MembershipAssessment, p_adjusted: float, policy: Policy, *, refused: bool) -> Detection:
    membership = assessment.membership
    sound = not refused and all(guard.status != "failed" for guard in assessment.guards)
    return Detection(
        p_value=membership.p_value,
        p_adjusted=p_adjusted,
        auc=membership.auc,
        auc_interval=membership.auc_interval,
        mean_z=membership.mean_z,
        detectable_auc=membership.detectable_auc,
        detected=sound and p_adjusted <= policy.alpha,
        guards=assessment.guards,
    )


def detect_placebo(measurements: SeriesMeasurements, baseline: TextBaseline) -> dict[str, float]:
    """The engine's p-values with the placebo set in the place of the suspect set, corrected over checkpoints (Holm).

    Null: placebo and held-out groups are exchangeable at the checkpoint. Unit: the group.

    Returns:
        By checkpoint name; empty where there is no placebo set.
    """
    if "placebo" not in measurements.sets:
        return {}
    rows = [
        drop_sparse(set_rows(measurements, index, "placebo"), baseline.policy.most_missing)
        for index in range(len(measurements.names))
    ]
    p_values = [baseline.test(side_rows, "placebo", _alpha(measurements, baseline)).p_value for side_rows in rows]
    return dict(zip(measurements.names, holm(p_values), strict=True))


def set_rows(measurements: SeriesMeasurements, index: int, role: Role) -> Rows:
    """The rows of single-pass features of one set against held-out at one checkpoint."""
    ours, theirs = measurements.sets[role], measurements.sets["heldout"]
    mine, other = ours.features[index], theirs.features[index]
    table = FeatureTable(columns=mine.columns, values=np.vstack([mine.values, other.values]))
    return group_rows(table, [*ours.groups, *theirs.groups], [True] * len(ours.ids) + [False] * len(theirs.ids))
