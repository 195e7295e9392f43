"""From what is kept of a series to what it shows: no model, no text, nothing but the figures, the seed and the policy.

A run concludes with these functions, and `auditor verify` makes every figure again with them years later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from auditor.core.answers import AnswerCache
from auditor.core.errors import UsageError
from auditor.core.seeds import stream
from auditor.forgetting.layers.measure import with_holm
from auditor.forgetting.measures.levels import change_deciles, largest_changes, measure_general, measure_heldout
from auditor.forgetting.relearn.conclude import conclude_relearning
from auditor.forgetting.states.decide import decide_state
from auditor.forgetting.tasks.conclude import conclude_tasks
from auditor.forgetting.tasks.geometry import Geometry
from auditor.forgetting.trajectory import Trajectory, checkpoints_to_relearn, conclude_trajectory, series_settings_of
from auditor.forgetting.validate import require_consistent
from auditor.membership.guards.case import TextBaseline
from auditor.results.forgetting.drift import WeightChange
from auditor.results.forgetting.layers import LayerFinding
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.series import Checkpoint, Forgetting
from auditor.settings import AuditSettings, SeriesSettings


@dataclass(frozen=True, slots=True)
class UnrecomputedFindings:
    """What is not made again: figures of weights and hidden states, of which too much would have to be kept.

    They describe, and no state rests on them. Of the probes of layers the correction for their number is made again.

    Attributes:
        weights: By checkpoint, without the origin.
        layers: By checkpoint.
        geometry: Of the hidden states of labelled texts, by task and model.
    """

    weights: Mapping[str, WeightChange]
    layers: Mapping[str, tuple[LayerFinding, ...]]
    geometry: Mapping[tuple[str, str], Geometry]

    @classmethod
    def of(cls, forgetting: Forgetting) -> Self:
        """What a written series gives."""
        points = forgetting.checkpoints
        weights = {point.name: point.weights for point in points if point.weights is not None}
        tasks = () if forgetting.tasks is None else forgetting.tasks.points
        geometry = {
            (one.task, one.model): Geometry(
                one.probe_layers, one.overlap, one.overlap_shuffled, one.neighbour_angles, one.class_drift
            )
            for one in tasks
        }
        return cls(weights, {point.name: point.layers for point in points}, geometry)


def conclude_series(
    measurements: SeriesMeasurements,
    settings: AuditSettings,
    baseline: TextBaseline,
    findings: UnrecomputedFindings,
    answers: AnswerCache,
) -> Forgetting:
    """Every figure of a series and every state, from what was kept of it.

    Args:
        measurements: What was kept.
        settings: What was asked; `settings.series` says which checkpoints.
        baseline: What the text of the two sides shows.
        findings: What is not made from what was kept.
        answers: Asked for the trajectory.

    Raises:
        UsageError: A side has fewer than two groups, or what was kept does not fit together or to what was asked.
    """
    require_consistent(measurements)
    trajectory = conclude_trajectory(measurements, settings, baseline, answers)
    _require_asked(trajectory, measurements, settings)
    return conclude_states(trajectory, measurements, settings, findings)


def conclude_states(
    trajectory: Trajectory, measurements: SeriesMeasurements, settings: AuditSettings, findings: UnrecomputedFindings
) -> Forgetting:
    """The states and all that stands beside them; arguments and errors as of `conclude_series`."""
    requested, seed, names = series_settings_of(settings), settings.seed, measurements.names
    levels = measure_heldout(measurements, rng=stream(seed, "held-out"))
    general = measure_general(measurements, rng=stream(seed, "general")) if "general" in measurements.sets else {}
    relearned = conclude_relearning(
        measurements, seed=seed, permutations=settings.permutations, alpha=requested.policy.relearn_alpha
    )
    points = tuple(
        Checkpoint(
            name=name,
            source=measurements.checkpoints[index].source,
            heldout=levels[name].loss,
            heldout_change=levels[name].change,
            suspect=trajectory.suspects[name],
            placebo=trajectory.placebos.get(name),
            detection=trajectory.detections[name],
            placebo_p_adjusted=trajectory.placebo_p.get(name),
            general=general.get(name),
            utility_loss=trajectory.utility_loss.get(name),
            weights=findings.weights.get(name),
            layers=with_holm(findings.layers.get(name, ())),
            relearning=relearned.get(name),
            state=decide_state(
                trajectory.evidence(index, settings.policy.alpha, relearned.get(name)),
                settings.policy,
                requested.policy,
            ),
        )
        for index, name in enumerate(names)
    )
    return Forgetting(
        checkpoints=points,
        reference=None if trajectory.reference is None else names[trajectory.reference],
        largest_changes=largest_changes(measurements),
        change_deciles=change_deciles(measurements),
        tasks=conclude_tasks(measurements.tasks, findings.geometry, checkpoints=len(names), seed=seed),
        thresholds=requested.policy,
        notes=(*_notes(requested, points), *measurements.notes),
    )


def _require_asked(trajectory: Trajectory, measurements: SeriesMeasurements, settings: AuditSettings) -> None:
    """Refuse other checkpoints, sets or interventions than a run of these settings has."""
    requested = series_settings_of(settings)
    sources = {"general": requested.general, "placebo": requested.placebo}
    if measurements.names != tuple(name for name, _ in requested.checkpoints):
        raise UsageError("the stored series has other checkpoints than the settings")
    if set(measurements.sets) != {
        "suspect",
        "heldout",
        *(role for role, source in sources.items() if source is not None),
    }:
        raise UsageError("the stored series has other sets than the settings")
    if [task.name for task in measurements.tasks] != [name for name, _ in requested.tasks]:
        raise UsageError("the stored series has other tasks than the settings")
    ran = tuple(index for index, one in enumerate(measurements.checkpoints) if one.relearning is not None)
    if ran != checkpoints_to_relearn(trajectory, settings):
        raise UsageError("the stored series has interventions on other checkpoints than a run makes")


def _notes(requested: SeriesSettings, points: Sequence[Checkpoint]) -> tuple[str, ...]:
    """What was not given, and what that costs."""
    notes = []
    if requested.general is None:
        notes.append(
            "No general text was given: utility loss is measured on the held-out documents, drift from the origin is "
            "not measured, and there is no reminder."
        )
    if requested.placebo is None:
        notes.append("No placebo set was given, so no row shows what chance makes of a set that was never trained on.")
    if requested.layers and not all(point.layers for point in points):
        without = ", ".join(point.name for point in points if not point.layers)
        notes.append(f"These checkpoints do not show their layers: {without}.")
    if not requested.layers:
        notes.append("Hidden states were not recorded, so the trace is not shown by layer.")
    if not requested.relearn and any(c.status == "not tested" for point in points for c in point.state.conditions):
        notes.append("Whether a trace is suppressed or no longer there was not tested; --relearn does.")
    return tuple(notes)
