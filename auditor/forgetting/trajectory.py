"""The course of a series: what its scores show, before anything is trained to see what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditor.core.answers import AnswerCache
from auditor.core.seeds import stream
from auditor.forgetting.detection import detect, detect_placebo
from auditor.forgetting.measures.contrasts import measure_contrasts
from auditor.forgetting.measures.levels import measure_utility_loss
from auditor.forgetting.states.decide import worth_relearning
from auditor.forgetting.states.findings import CheckpointFindings
from auditor.membership.guards.case import TextBaseline
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.drift import UtilityLoss
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.relearning import Relearning
from auditor.results.forgetting.series import Detection
from auditor.settings import AuditSettings, SeriesSettings


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What the scores of a series show before any intervention.

    Attributes:
        names: The checkpoints.
        detections: The engine and the guards, by checkpoint.
        placebo_p: The engine on the placebo set, by checkpoint; empty without one.
        reference: Place of the first checkpoint at which the suspect set is detected; None where it never is.
        suspects: The suspect set against held-out, by checkpoint.
        placebos: The placebo set against held-out; empty without one.
        utility_loss: Whether each got far worse; not the origin.
    """

    names: tuple[str, ...]
    detections: Mapping[str, Detection]
    placebo_p: Mapping[str, float]
    reference: int | None
    suspects: Mapping[str, Contrast]
    placebos: Mapping[str, Contrast]
    utility_loss: Mapping[str, UtilityLoss]

    def evidence(self, index: int, level: float, relearning: Relearning | None = None) -> CheckpointFindings:
        """What is known of a checkpoint before its state.

        Args:
            index: Which.
            level: At which the engine finds a difference.
            relearning: The interventions; None where they were not run.
        """
        name = self.names[index]
        whole = None if self.reference is None else self.names[self.reference]
        return CheckpointFindings(
            name,
            index,
            self.reference,
            self.detections[name],
            self.suspects[name],
            self.utility_loss.get(name),
            relearning,
            None if whole is None else (whole, self.suspects[whole]),
            self.placebos.get(name),
            self.placebo_p.get(name),
            n_checkpoints=len(self.names),
            clean_before=all(self.detections[earlier].p_decisive > level for earlier in self.names[:index]),
        )


def conclude_trajectory(
    measurements: SeriesMeasurements, settings: AuditSettings, baseline: TextBaseline, answers: AnswerCache
) -> Trajectory:
    """Detect, contrast and compare at every checkpoint.

    Args:
        measurements: What was kept of the scores.
        settings: What was asked; `settings.series` says which checkpoints.
        baseline: What the text of the two sides shows.
        answers: Asked for the trajectory: a run needs it before its interventions and when it concludes.

    Raises:
        UsageError: A side has fewer than two groups.
    """
    key = (measurements.scores_sha256, settings, baseline.key)
    return answers.ask("trajectory", key, lambda: _trajectory(measurements, settings, baseline, answers))


def _trajectory(
    measurements: SeriesMeasurements, settings: AuditSettings, baseline: TextBaseline, answers: AnswerCache
) -> Trajectory:
    policy, names = settings.policy, measurements.names
    thresholds = series_settings_of(settings).policy
    placebo_p = detect_placebo(measurements, baseline)
    refused = [name for name, p in placebo_p.items() if p <= thresholds.placebo_alpha]
    detections = detect(measurements, baseline, answers=answers, required_auc=thresholds.change_auc, refused=refused)
    reference = next((index for index, name in enumerate(names) if detections[name].detected), None)

    def contrasts(role: Literal["suspect", "placebo"]) -> dict[str, Contrast]:
        return measure_contrasts(
            measurements,
            role,
            reference=None if reference is None else names[reference],
            rng=stream(settings.seed, f"contrasts {role}"),
            permutations=settings.permutations,
            policy=thresholds,
            alpha=policy.alpha / len(names),
            power=policy.power,
        )

    return Trajectory(
        names=names,
        detections=detections,
        placebo_p=placebo_p,
        reference=reference,
        suspects=contrasts("suspect"),
        placebos=contrasts("placebo") if "placebo" in measurements.sets else {},
        utility_loss=measure_utility_loss(measurements, policy=thresholds, rng=stream(settings.seed, "wreckage")),
    )


def checkpoints_to_relearn(trajectory: Trajectory, settings: AuditSettings) -> tuple[int, ...]:
    """Places of the checkpoints of which interventions can say more; none where they were not asked for."""
    requested = series_settings_of(settings)
    if not requested.relearn:
        return ()
    level = settings.policy.alpha
    indices = range(len(trajectory.names))
    return tuple(index for index in indices if worth_relearning(trajectory.evidence(index, level), requested.policy))


def series_settings_of(settings: AuditSettings) -> SeriesSettings:
    """What was asked of the series.

    Raises:
        ValueError: None was asked for.
    """
    if settings.series is None:
        raise ValueError("the settings have no series")
    return settings.series
