"""Relearning: every intervention on one checkpoint."""

from __future__ import annotations

import auditor.forgetting.relearn.probes
from auditor.core.progress import Progress, Silent
from auditor.core.registry import discover
from auditor.forgetting.reduce import per_token
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.intervention import Intervention, InterventionContext
from auditor.forgetting.relearn.runner import InterventionRunner
from auditor.forgetting.series import NamedCheckpoint, Series
from auditor.models.changes import UntrainableError
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.measurements import InterventionMeasurements, RelearningMeasurements
from auditor.scoring.store import Store


def relearn(
    checkpoint: NamedCheckpoint,
    series: Series,
    *,
    budget: Budget,
    seed: int,
    store: Store,
    progress: Progress | None = None,
    max_tokens: int | None = None,
) -> RelearningMeasurements:
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
        store: Where scores are looked up and kept.
        progress: Told of trainings and of scoring; silent by default.
        max_tokens: Read at most this many tokens of each text, as the series was scored.

    Returns:
        The losses under the interventions that ran, and a sentence for each that did not; see `conclude_relearning`.

    Raises:
        RunError: Memory runs out, or the checkpoint cannot be loaded.
    """
    probes: list[InterventionMeasurements] = []
    not_run: list[str] = []
    with InterventionRunner(checkpoint, store=store, progress=progress or Silent(), max_tokens=max_tokens) as bench:
        try:
            facts = bench.facts()
        except UntrainableError as error:
            why = f"no intervention was run: {error.message}"
            return RelearningMeasurements(probes=(), per_token=(), not_run=(why,), budget="nothing was trained")
        method = budget.method_for(facts.parameters)
        how = f"{budget.words(method)}; seed {seed}; {facts.parameters:,} parameters"
        case = InterventionContext(bench, series, budget, method, facts, seed)
        for intervention in all_interventions():
            try:
                found = intervention.run(case)
            except UntrainableError as error:
                found = f"{intervention.name} was left out: {error.message}"
            if isinstance(found, InterventionMeasurements):
                probes.append(found)
            else:
                not_run.append(found)
    return RelearningMeasurements(
        probes=tuple(probes), per_token=per_token(series, checkpoint.name), not_run=tuple(not_run), budget=how
    )


def all_interventions() -> tuple[Intervention, ...]:
    """Every intervention, in the order of its row."""
    by_name = {item.name: item for item in discover(auditor.forgetting.relearn.probes, Intervention)}
    return tuple(by_name[name] for name in INTERVENTIONS)
