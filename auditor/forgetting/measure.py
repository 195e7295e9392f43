"""The whole account of a series as a reader would tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auditor.core.errors import UsageError
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.corpora.document import Corpus
from auditor.forgetting.conclude import UnrecomputedFindings, conclude_states
from auditor.forgetting.corpora import gather
from auditor.forgetting.detection import set_rows
from auditor.forgetting.layers.measure import measure_layers
from auditor.forgetting.open import open_series
from auditor.forgetting.reduce import reduce_series
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.run import relearn
from auditor.forgetting.score import score_series
from auditor.forgetting.series import Series
from auditor.forgetting.tasks.corpora import UNTRAINED, Task, read_tasks
from auditor.forgetting.tasks.measure import MeasuredTasks, measure_tasks
from auditor.forgetting.trajectory import checkpoints_to_relearn, conclude_trajectory, series_settings_of
from auditor.forgetting.weights.measure import measure_weights
from auditor.membership.assess import TextBaseline
from auditor.membership.cache import CorpusCache
from auditor.models.backend import ModelSpec
from auditor.models.options import load_options
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.series import Forgetting
from auditor.results.models import ModelIdentity
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, SeriesSettings

LAYER_PERMUTATIONS = 1999
"""Of each layer's probe, which describes and never decides."""


@dataclass(frozen=True, slots=True)
class MeasuredSeries:
    """A series, measured.

    Attributes:
        forgetting: What it showed.
        measurements: What its figures are made from.
        series: Its scores.
        sides: Its two sides and what their text alone tells.
        models: The checkpoints' identities by their names.
        last: The last checkpoint, not in memory.
    """

    forgetting: Forgetting
    measurements: SeriesMeasurements
    series: Series
    sides: TextBaseline
    models: Mapping[str, ModelIdentity]
    last: ModelSpec


def measure_forgetting(
    settings: AuditSettings, suspect: Corpus, heldout: Corpus, store: Store, progress: Progress, shared: CorpusCache
) -> MeasuredSeries:
    """Open, score and reduce a series, intervene where a trace went out of sight, and conclude.

    Args:
        settings: What is asked; `settings.series` says which checkpoints.
        suspect: The suspect documents.
        heldout: The held-out documents, as the audit compares them.
        store: Where scores are kept.
        progress: Told how far it is.
        shared: What other audits have read already.

    Raises:
        UsageError: A checkpoint or a corpus cannot be used as it is.
        RunError: A model fails.
    """
    asked, seed, policy = series_settings_of(settings), settings.seed, settings.policy
    corpora = gather(settings, asked, suspect, heldout, shared.corpus, shared.overlap)
    tasks = read_tasks_for_audit(settings, asked, shared.corpus)
    checkpoints = open_series(asked.checkpoints, load_options(settings), store)
    series = score_series(
        checkpoints,
        corpora,
        seed=seed,
        max_tokens=settings.max_tokens,
        layers=asked.layers,
        store=store,
        rng=stream(seed, "probes"),
        progress=progress,
    )
    measurements = reduce_series(series)
    sides = shared.sides(suspect, heldout, set_rows(measurements, 0, "suspect"), settings)
    course = conclude_trajectory(measurements, settings, sides)
    weights = measure_weights(checkpoints)
    layers = measure_layers(series, seed=seed, alpha=policy.alpha, permutations=LAYER_PERMUTATIONS)
    learned = (
        measure_tasks(
            checkpoints,
            tasks,
            template=asked.label_template,
            store=store,
            max_tokens=settings.max_tokens,
            seed=seed,
            progress=progress,
        )
        if tasks
        else MeasuredTasks()
    )
    relearned = {
        checkpoints[place].name: relearn(
            checkpoints[place],
            series,
            budget=Budget(),
            seed=seed,
            store=store,
            progress=progress,
            max_tokens=settings.max_tokens,
        )
        for place in checkpoints_to_relearn(course, settings)
    }
    measurements = measurements.relearned(relearned).model_copy(
        update={"tasks": learned.measurements, "notes": learned.notes}
    )
    return MeasuredSeries(
        forgetting=conclude_states(
            course, measurements, settings, UnrecomputedFindings(weights, layers, learned.geometry)
        ),
        measurements=measurements,
        series=series,
        sides=sides,
        models={checkpoint.name: checkpoint.spec.identity for checkpoint in checkpoints},
        last=checkpoints[-1].spec,
    )


def read_tasks_for_audit(
    settings: AuditSettings, asked: SeriesSettings, read: Callable[[str, AuditSettings], Corpus]
) -> tuple[Task, ...]:
    """Read the labelled sets before anything is scored, whole: a limit would cut a sorted set to a few classes."""
    if not asked.tasks:
        return ()
    if any(name == UNTRAINED for name, _ in asked.checkpoints):
        raise UsageError(
            f"a checkpoint is called {UNTRAINED!r}, as the model of random weights is", hint="Give it another name."
        )
    whole = settings.model_copy(update={"limit": None})
    return read_tasks(asked.tasks, label_column=asked.label_column, read=lambda source: read(source, whole))
