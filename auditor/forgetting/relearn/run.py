"""Run every intervention on one checkpoint."""

from __future__ import annotations

from contextlib import closing

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
    """Run every intervention on a checkpoint.

    Trained and rounded weights exist only in memory and are never written to a file, however the run ends. Their scores
    are stored: an interrupted run repeats the training it was in, scores only what is not stored, and gives the same
    figures; where all scores are stored no model is loaded.

    Args:
        checkpoint: The checkpoint, one of the series.
        series: The series with its scores; the reminder trains on `general`, and `placebo` is the control.
        budget: Training budget.
        seed: Seed of the audit.
        store: Store of scores.
        progress: Receives the progress of training and scoring; silent by default.
        max_tokens: Most tokens read of each text, as for the scores of the series.

    Returns:
        The losses under the interventions that ran, and a sentence for each that did not; see `conclude_relearning`.

    Raises:
        RunError: Memory runs out, or the checkpoint cannot be loaded.
    """
    probes: list[InterventionMeasurements] = []
    not_run: list[str] = []
    runner = InterventionRunner(checkpoint, store=store, progress=progress or Silent(), max_tokens=max_tokens)
    with closing(runner):
        try:
            facts = runner.facts()
        except UntrainableError as error:
            reason = f"no intervention ran: {error.message}"
            return RelearningMeasurements(probes=(), per_token=(), not_run=(reason,), budget="no training")
        method = budget.method_for(facts.parameters)
        description = f"{budget.describe(method)}; seed {seed}; {facts.parameters:,} parameters"
        context = InterventionContext(runner, series, budget, method, facts, seed)
        for intervention in all_interventions():
            try:
                outcome = intervention.run(context)
            except UntrainableError as error:
                outcome = f"{intervention.name} did not run: {error.message}"
            if isinstance(outcome, InterventionMeasurements):
                probes.append(outcome)
            else:
                not_run.append(outcome)
    return RelearningMeasurements(
        probes=tuple(probes), per_token=per_token(series, checkpoint.name), not_run=tuple(not_run), budget=description
    )


def all_interventions() -> tuple[Intervention, ...]:
    """Every intervention, in the order of its row."""
    by_name = {item.name: item for item in discover(auditor.forgetting.relearn.probes, Intervention)}
    return tuple(by_name[name] for name in INTERVENTIONS)
