"""From losses along an intervention to the finding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from auditor.core.seeds import stream
from auditor.forgetting.relearn.curve import Losses, show_curve, summarise_curve, units_of
from auditor.inference.design import Floats
from auditor.inference.multiplicity import holm
from auditor.results.forgetting.measurements import (
    CopyMeasurements,
    InterventionMeasurements,
    RelearningMeasurements,
    Role,
    SeriesMeasurements,
)
from auditor.results.forgetting.relearning import Probe, ProbePoint, Relearning


def conclude_relearning(
    measurements: SeriesMeasurements, *, seed: int, permutations: int, alpha: float, bootstraps: int = 1000
) -> dict[str, Relearning]:
    """Test and describe every intervention, and correct for their number.

    Args:
        measurements: The series with what was kept of its interventions.
        seed: The one seed.
        permutations: Random permuted labels of each test.
        alpha: Level of a recovery, over everything that was run; also of the placebo's, uncorrected.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        By checkpoint, where there were interventions.

    Raises:
        UsageError: A set has fewer than two groups with a scored token.
    """
    found = {
        checkpoint.name: Relearning(
            probes=tuple(
                _tested(measurements, at, checkpoint.relearning, probe, seed, permutations, bootstraps)
                for probe in checkpoint.relearning.probes
            ),
            not_run=checkpoint.relearning.not_run,
            budget=checkpoint.relearning.budget,
        )
        for at, checkpoint in enumerate(measurements.checkpoints)
        if checkpoint.relearning is not None
    }
    return adjust(found, alpha)


def adjust(found: Mapping[str, Relearning], alpha: float) -> dict[str, Relearning]:
    """Correct for the number of interventions and probed checkpoints, and say which brought the trace back.

    Source: Holm 1979. Each p-value's null: suspect groups are no better than held-out ones after the intervention, or
    have not gained more by it.

    Args:
        found: By checkpoint, not yet corrected.
        alpha: Level of a recovery, over everything that was run; also of the placebo's, uncorrected.

    Returns:
        The same with `p_adjusted` and `recovered`. A probe whose placebo set came back too counts for nothing.
    """
    adjusted = iter(holm([probe.p_value for relearning in found.values() for probe in relearning.probes]))

    def corrected(probe: Probe) -> Probe:
        p = next(adjusted)
        control = probe.placebo_p_value
        recovered = p <= alpha and (control is None or control > alpha)
        return probe.model_copy(update={"p_adjusted": p, "recovered": recovered})

    return {
        name: relearning.model_copy(update={"probes": tuple(corrected(probe) for probe in relearning.probes)})
        for name, relearning in found.items()
    }


def _tested(
    measurements: SeriesMeasurements,
    at: int,
    relearning: RelearningMeasurements,
    probe: InterventionMeasurements,
    seed: int,
    permutations: int,
    bootstraps: int,
) -> Probe:
    """One intervention, not yet corrected for the others."""

    def rng(purpose: str) -> np.random.Generator:
        return stream(seed, f"relearn {probe.name} {purpose}")

    units = units_of(_losses(measurements, at, relearning, probe, "suspect"), rng("order"))
    outcome = summarise_curve(units, permutations=permutations, rng=rng("labels"))
    shown = show_curve(units, bootstraps=bootstraps, rng=rng("bootstrap"))
    beside, beside_p = None, None
    if "placebo" in probe.roles:
        control = units_of(_losses(measurements, at, relearning, probe, "placebo"), rng("placebo order"))
        beside_p = summarise_curve(control, permutations=permutations, rng=rng("placebo labels")).both
        beside = show_curve(control, bootstraps=bootstraps, rng=rng("placebo bootstrap"))
    points = tuple(
        ProbePoint(
            steps=step,
            suspect=figures.suspect,
            heldout=figures.heldout,
            gap=figures.gap,
            auc=figures.auc,
            placebo_gap=None if beside is None else beside[number].gap,
        )
        for number, (step, figures) in enumerate(zip((0, *probe.steps), shown, strict=True))
    )
    return Probe(
        name=probe.name,
        method=probe.method,
        points=points,
        after_p_value=outcome.after,
        rise_p_value=outcome.rise,
        p_value=outcome.both,
        p_adjusted=outcome.both,
        placebo_p_value=beside_p,
        recovered=False,
    )


def _losses(
    measurements: SeriesMeasurements,
    at: int,
    relearning: RelearningMeasurements,
    probe: InterventionMeasurements,
    suspect: Role,
) -> Losses:
    """The losses of one set and the held-out set along an intervention.

    Shown are a document's losses under the copy that is of its own set. The tests look at the mean of its losses under
    the copies of both sets, in three readings. Texts differ in how hard they are. Loss per byte holds that difference
    and the tokenizer's, loss per token the first alone; less the loss per byte at the origin neither is left, which is
    by far the sharpest where the origin had not seen the suspect set, and useless where it had. All three see a
    document and never its side, and the largest statistic pays for the choice.
    """
    per_byte = np.vstack([measurements.sets[role].measures["loss"] for role in probe.roles])
    per_token = np.array(relearning.per_token[: len(per_byte)], dtype=np.float64)
    before = np.stack([per_byte[:, at], per_token])[:, :, None]
    mine, other = (np.concatenate([before, _after(probe, role)], axis=2) for role in (suspect, "heldout"))
    judged = (mine + other) / 2
    if at:
        judged = np.concatenate([judged, judged[:1] - per_byte[None, :, :1]])
    roles = np.array([role for role in probe.roles for _ in measurements.sets[role].ids])
    groups = [group for role in probe.roles for group in measurements.sets[role].groups]
    ours = roles == suspect
    part = np.flatnonzero(ours | (roles == "heldout"))
    return Losses(
        shown=np.where(ours[:, None], mine[0], other[0])[part],
        judged=judged[:, part],
        groups=[groups[place] for place in part.tolist()],
        suspect=ours[part],
    )


def _after(probe: InterventionMeasurements, role: Role) -> Floats:
    """Losses [units of loss, documents, steps] under the copy that the comparison of a set reads."""
    copy: CopyMeasurements = next(copy for copy in probe.copies if role in copy.sets)
    return np.stack([copy.per_byte, copy.per_token])
