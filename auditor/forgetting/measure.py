"""A series of checkpoints: opened before anything is scored, then measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.core.errors import UsageError
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.corpora.comparable import require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.read import describe_shape
from auditor.forgetting.conclude import UnrecomputedFindings
from auditor.forgetting.detection import set_rows
from auditor.forgetting.layers.measure import measure_layers
from auditor.forgetting.open import open_checkpoints
from auditor.forgetting.reduce import reduce_series
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.run import relearn
from auditor.forgetting.score import build_series_requests, score_series
from auditor.forgetting.series import NamedCheckpoint, Series
from auditor.forgetting.tasks.corpora import UNTRAINED, Task, read_tasks
from auditor.forgetting.tasks.measure import MeasuredTasks, measure_tasks
from auditor.forgetting.trajectory import checkpoints_to_relearn, conclude_trajectory
from auditor.forgetting.weights.measure import measure_weights
from auditor.inference.arrangement import arrange
from auditor.membership.assess import text_baseline
from auditor.membership.blind.rows import documents_of
from auditor.membership.cache import CorpusCache
from auditor.membership.sides import Sides, overlap_of
from auditor.models.backend import load_options
from auditor.models.digests import Memo
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.scoring.plan import Request
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, SeriesSettings

LAYER_PERMUTATIONS = 1999
"""Of each layer's probe, which describes and never decides."""


@dataclass(frozen=True, slots=True)
class SeriesScoring:
    """What a series asks the checkpoints, put together whenever it is gone through; it holds no text.

    Attributes:
        settings: The settings of the audit.
        requested: Those of its series.
        checkpoints: The checkpoints, not in memory.
    """

    settings: AuditSettings
    requested: SeriesSettings
    checkpoints: tuple[NamedCheckpoint, ...]

    def requests(self, sides: Sides) -> Iterator[Request]:
        """Every text under every checkpoint, and the probes of each."""
        seed = self.settings.seed
        _, requests = build_series_requests(
            self.checkpoints, sides.corpora, seed=seed, layers=self.requested.layers, rng=stream(seed, "probes")
        )
        yield from requests


@dataclass(frozen=True, slots=True)
class MeasuredSeries:
    """A series, measured.

    Attributes:
        measurements: What its figures are made from.
        findings: What is not made again from them.
        scores: Its scores.
    """

    measurements: SeriesMeasurements
    findings: UnrecomputedFindings
    scores: Series


@dataclass(frozen=True, slots=True)
class OpenSeries:
    """A series before its scores.

    Attributes:
        scoring: What is asked of which checkpoints.
        sides: The documents.
        tasks: The labelled sets.
    """

    scoring: SeriesScoring
    sides: Sides
    tasks: tuple[Task, ...]

    def measure(self, store: Store, progress: Progress, cache: CorpusCache) -> MeasuredSeries:
        """Score and reduce the series, and intervene where a trace went out of sight.

        Args:
            store: Where scores are kept.
            progress: Told how far it is.
            cache: What other audits have read already.

        Raises:
            UsageError: A side has fewer than two groups.
            RunError: A model fails.
        """
        settings, requested, checkpoints = self.scoring.settings, self.scoring.requested, self.scoring.checkpoints
        seed, max_tokens = settings.seed, settings.max_tokens
        scores = score_series(
            checkpoints,
            self.sides.corpora,
            seed=seed,
            max_tokens=max_tokens,
            layers=requested.layers,
            store=store,
            rng=stream(seed, "probes"),
            progress=progress,
        )
        measurements = reduce_series(scores)
        weights = measure_weights(checkpoints)
        layers = measure_layers(scores, seed=seed, alpha=settings.policy.alpha, permutations=LAYER_PERMUTATIONS)
        learned = self._learned(store, progress)
        intervened = {
            checkpoints[index].name: relearn(
                checkpoints[index],
                scores,
                budget=Budget(),
                seed=seed,
                store=store,
                progress=progress,
                max_tokens=max_tokens,
            )
            for index in self._to_relearn(measurements, cache, store)
        }
        measurements = measurements.relearned(intervened).model_copy(
            update={"tasks": learned.measurements, "notes": learned.notes}
        )
        return MeasuredSeries(measurements, UnrecomputedFindings(weights, layers, learned.geometry), scores)

    def _to_relearn(self, measurements: SeriesMeasurements, cache: CorpusCache, memo: Memo) -> tuple[int, ...]:
        settings, suspect, heldout = self.scoring.settings, self.sides.suspect, self.sides.heldout
        if not self.scoring.requested.relearn:
            return ()
        rows = set_rows(measurements, 0, "suspect")
        texts = cache.texts(suspect, heldout, rows, memo)
        baseline = text_baseline(
            (len(suspect.documents), len(heldout.documents)),
            overlap_of(self.sides),
            texts,
            arrange(rows, documents_of(suspect, heldout)),
            settings=settings,
            answers=cache.answers,
            encoding=cache.encoding(suspect, heldout),
        )
        return checkpoints_to_relearn(conclude_trajectory(measurements, settings, baseline, cache.answers), settings)

    def _learned(self, store: Store, progress: Progress) -> MeasuredTasks:
        if not self.tasks:
            return MeasuredTasks()
        return measure_tasks(
            self.scoring.checkpoints,
            self.tasks,
            template=self.scoring.requested.label_template,
            store=store,
            max_tokens=self.scoring.settings.max_tokens,
            seed=self.scoring.settings.seed,
            progress=progress,
        )


def open_series(
    settings: AuditSettings,
    requested: SeriesSettings,
    sides: Sides,
    memo: Memo,
    cache: CorpusCache,
) -> OpenSeries:
    """Read the corpora of a series and identify its checkpoints.

    Args:
        settings: The settings of the audit.
        requested: Those of its series.
        sides: The documents, as the audit compares them.
        memo: Remembers digests of model files between runs.
        cache: What other audits have read already.

    Raises:
        UsageError: A checkpoint or a corpus cannot be used as it is.
        RunError: A checkpoint cannot be read.
    """
    if "placebo" in sides.corpora:
        require_comparable(sides.corpora["placebo"], sides.heldout, first="placebo")
    tasks = _tasks(settings, requested, cache)
    checkpoints = open_checkpoints(requested.checkpoints, load_options(settings), memo)
    return OpenSeries(SeriesScoring(settings, requested, checkpoints), sides, tasks)


def _tasks(settings: AuditSettings, requested: SeriesSettings, cache: CorpusCache) -> tuple[Task, ...]:
    """The labelled sets, read whole: a limit would cut a sorted set to a few classes."""
    if not requested.tasks:
        return ()
    if any(name == UNTRAINED for name, _ in requested.checkpoints):
        raise UsageError(
            f"a checkpoint is called {UNTRAINED!r}, as the model of random weights is", hint="Give it another name."
        )
    whole = settings.model_copy(update={"limit": None})

    def read(source: str) -> Corpus:
        corpus = cache.corpus(source, whole)
        if corpus.chat is not None:
            raise UsageError(
                f"{source}: {describe_shape(corpus.shape)}, and a labelled set holds texts and labels",
                hint="Write the text of each example into one column.",
            )
        return corpus

    return read_tasks(requested.tasks, label_column=requested.label_column, read=read)
