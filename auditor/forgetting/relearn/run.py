"""Relearning: every intervention on one checkpoint, and the correction over all of them."""

from __future__ import annotations

from collections.abc import Mapping

import auditor.forgetting.relearn.probes
from auditor.forgetting.findings.relearning import Probe, Relearning
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.intervention import Case, Intervention
from auditor.forgetting.relearn.workbench import Workbench
from auditor.forgetting.series import Named, Series
from auditor.inference.multiplicity import holm
from auditor.models.changes import UntrainableError
from auditor.plugins import discover
from auditor.scoring.progress import Progress, Silent
from auditor.scoring.store import Store


def relearn(
    checkpoint: Named,
    series: Series,
    *,
    budget: Budget,
    seed: int,
    permutations: int,
    store: Store,
    progress: Progress | None = None,
    max_tokens: int | None = None,
    bootstraps: int = 1000,
) -> Relearning:
    """Ask a checkpoint for what it no longer shows.

    Trained and rounded weights exist in memory alone and are never written to any file, so nothing can be left behind,
    however the run ends. The scores under them are kept in the store: a run that was broken off repeats the training it
    was in, scores only what was not scored yet, and gives the same figures; where everything is stored no model is
    loaded.

    Args:
        checkpoint: The checkpoint, one of the series.
        series: The series with its scores; `general` is what the reminder trains on, `placebo` the control.
        budget: How much is trained, and how.
        seed: The one seed.
        permutations: Random relabellings of each test.
        store: Where scores are looked up and kept.
        progress: Told of trainings and of scoring; silent by default.
        max_tokens: Read at most this many tokens of each text, as the series was scored.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        The interventions that ran, and a sentence for each that did not. Their p-values are not corrected for each
        other yet and none counts as recovered: see `adjust`.

    Raises:
        RunError: Memory runs out, or the checkpoint cannot be loaded.
    """
    probes: list[Probe] = []
    left_out: list[str] = []
    with Workbench(checkpoint, store=store, progress=progress or Silent(), max_tokens=max_tokens) as bench:
        try:
            facts = bench.facts()
        except UntrainableError as error:
            return Relearning(
                probes=(), left_out=(f"no intervention was run: {error.message}",), budget="nothing was trained"
            )
        method = budget.method_for(facts.parameters)
        how = f"{budget.words(method)}; seed {seed}; {facts.parameters:,} parameters"
        case = Case(bench, series, budget, method, facts, seed, permutations, bootstraps)
        for intervention in all_interventions():
            try:
                found = intervention.run(case)
            except UntrainableError as error:
                found = f"{intervention.name} was left out: {error.message}"
            if isinstance(found, Probe):
                probes.append(found)
            else:
                left_out.append(found)
    return Relearning(probes=tuple(probes), left_out=tuple(left_out), budget=how)


def adjust(found: Mapping[str, Relearning], alpha: float) -> dict[str, Relearning]:
    """Correct for the number of interventions and probed checkpoints, and say which brought the trace back.

    Source: Holm 1979. Each p-value's null: suspect groups are no better than held-out ones after the intervention, or
    have not gained more by it.

    Args:
        found: By checkpoint, as `relearn` returned it.
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


def all_interventions() -> tuple[Intervention, ...]:
    """Every intervention, in the order in which they run."""
    found = discover(auditor.forgetting.relearn.probes, Intervention)
    return tuple(sorted(found, key=lambda intervention: intervention.order))
