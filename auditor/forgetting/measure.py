"""The whole account of a series as a reader would tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from auditor.corpora.document import Corpus
from auditor.errors import UsageError
from auditor.examination import Sides
from auditor.forgetting.detection import detect, detect_placebo, sides_of
from auditor.forgetting.findings.contrast import Contrast
from auditor.forgetting.findings.relearning import Relearning
from auditor.forgetting.findings.series import Checkpoint, Forgetting
from auditor.forgetting.gather import gather
from auditor.forgetting.layers.measure import measure_layers
from auditor.forgetting.measures.contrasts import measure_contrasts
from auditor.forgetting.measures.general import measure_general
from auditor.forgetting.measures.levels import measure_heldout, measure_wreckage
from auditor.forgetting.measures.movements import movements, slopes
from auditor.forgetting.opened import open_series
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.run import adjust, relearn
from auditor.forgetting.scored import score_series
from auditor.forgetting.series import Series
from auditor.forgetting.states.decide import decide_state, worth_asking
from auditor.forgetting.states.evidence import Evidence
from auditor.forgetting.tasks.measure import measure_tasks
from auditor.forgetting.tasks.reading import UNTRAINED, Task, read_tasks
from auditor.forgetting.weights.measure import measure_weights
from auditor.models.backend import ModelIdentity, ModelSpec
from auditor.randomness import stream
from auditor.reading import read_asked
from auditor.scoring.progress import Progress
from auditor.scoring.store import Store
from auditor.settings import CheckSettings, SeriesSettings, load_options

LAYER_PERMUTATIONS = 1999
"""Of each layer's probe, which describes and never decides."""


@dataclass(frozen=True, slots=True)
class Account:
    """A series, measured.

    Attributes:
        forgetting: What it showed.
        series: Its scores.
        sides: Its two sides and what their text alone tells.
        models: The checkpoints' identities by their names.
        last: The last checkpoint, not in memory.
    """

    forgetting: Forgetting
    series: Series
    sides: Sides
    models: Mapping[str, ModelIdentity]
    last: ModelSpec


def measure_forgetting(
    settings: CheckSettings, suspect: Corpus, heldout: Corpus, store: Store, progress: Progress
) -> Account:
    """Open, score and measure a series, intervene where a trace went out of sight, and give every checkpoint its state.

    Args:
        settings: What is asked; `settings.series` says which checkpoints.
        suspect: The suspect documents.
        heldout: The held-out documents, as the audit compares them.
        store: Where scores are kept.
        progress: Told how far it is.

    Raises:
        UsageError: A checkpoint or a corpus cannot be used as it is.
        RunError: A model fails.
    """
    asked = settings.series
    if asked is None:
        raise ValueError("no series was asked for")
    seed, policy = settings.seed, settings.policy
    corpora = gather(settings, asked, suspect, heldout)
    tasks = _read_tasks(settings, asked)
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
    names = series.names
    sides = sides_of(series, permutations=settings.permutations, policy=policy, seed=seed)
    placebo_p = detect_placebo(series, sides)
    refused = [name for name, p in placebo_p.items() if p <= asked.policy.placebo_alpha]
    detections = detect(series, sides, refused=refused)
    reference = next((place for place, name in enumerate(names) if detections[name].detected), None)

    def contrasts(role: Literal["suspect", "placebo"]) -> dict[str, Contrast]:
        return measure_contrasts(
            series,
            role,
            reference=None if reference is None else names[reference],
            rng=stream(seed, f"contrasts {role}"),
            permutations=settings.permutations,
            policy=asked.policy,
            alpha=policy.alpha / len(names),
            power=policy.power,
        )

    suspects = contrasts("suspect")
    placebos = contrasts("placebo") if "placebo" in corpora else {}
    levels = measure_heldout(series, rng=stream(seed, "held-out"))
    general = measure_general(series, rng=stream(seed, "general")) if "general" in corpora else {}
    wreckage = measure_wreckage(series, policy=asked.policy, rng=stream(seed, "wreckage"))
    weights = measure_weights(checkpoints)
    layers = measure_layers(series, seed=seed, alpha=policy.alpha, permutations=LAYER_PERMUTATIONS)
    learned, notes = (
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
        else (None, ())
    )

    def evidence(place: int, relearning: Relearning | None) -> Evidence:
        name = names[place]
        return Evidence(
            name,
            place,
            reference,
            detections[name],
            suspects[name],
            wreckage.get(name),
            relearning,
            None if reference is None else (names[reference], suspects[names[reference]]),
            placebos.get(name),
            placebo_p.get(name),
            looks=len(names),
            clean_before=all(detections[earlier].p_adjusted > policy.alpha for earlier in names[:place]),
        )

    relearned: dict[str, Relearning] = {}
    if asked.relearn:
        found = {
            checkpoint.name: relearn(
                checkpoint,
                series,
                budget=Budget(),
                seed=seed,
                permutations=settings.permutations,
                store=store,
                progress=progress,
                max_tokens=settings.max_tokens,
            )
            for place, checkpoint in enumerate(checkpoints)
            if worth_asking(evidence(place, None), asked.policy)
        }
        relearned = adjust(found, alpha=asked.policy.relearn_alpha)
    points = tuple(
        Checkpoint(
            name=name,
            source=checkpoints[place].spec.identity.source,
            heldout=levels[name].loss,
            heldout_change=levels[name].change,
            suspect=suspects[name],
            placebo=placebos.get(name),
            detection=detections[name],
            placebo_p_adjusted=placebo_p.get(name),
            general=general.get(name),
            wreckage=wreckage.get(name),
            weights=weights.get(name),
            layers=layers[name],
            relearning=relearned.get(name),
            state=decide_state(evidence(place, relearned.get(name)), policy, asked.policy),
        )
        for place, name in enumerate(names)
    )
    return Account(
        forgetting=Forgetting(
            checkpoints=points,
            reference=None if reference is None else names[reference],
            movers=movements(series),
            slopes=slopes(series),
            tasks=learned,
            thresholds=asked.policy,
            notes=(*_notes(asked, points), *notes),
        ),
        series=series,
        sides=sides,
        models={checkpoint.name: checkpoint.spec.identity for checkpoint in checkpoints},
        last=checkpoints[-1].spec,
    )


def _read_tasks(settings: CheckSettings, asked: SeriesSettings) -> tuple[Task, ...]:
    """Read the labelled sets before anything is scored, whole: a limit would cut a sorted set to a few classes."""
    if not asked.tasks:
        return ()
    if any(name == UNTRAINED for name, _ in asked.checkpoints):
        raise UsageError(
            f"a checkpoint is called {UNTRAINED!r}, as the model of random weights is", hint="Give it another name."
        )
    whole = settings.model_copy(update={"limit": None})
    return read_tasks(asked.tasks, label_column=asked.label_column, read=lambda source: read_asked(source, whole))


def _notes(asked: SeriesSettings, points: Sequence[Checkpoint]) -> tuple[str, ...]:
    """What was not given, and what that costs."""
    notes = []
    if asked.general is None:
        notes.append(
            "No general text was given: wreckage is measured on the held-out documents, drift from the origin is not "
            "measured, and there is no reminder."
        )
    if asked.placebo is None:
        notes.append("No placebo set was given, so no row shows what chance makes of a set that was never trained on.")
    if asked.layers and not all(point.layers for point in points):
        without = ", ".join(point.name for point in points if not point.layers)
        notes.append(f"These checkpoints do not show their layers: {without}.")
    if not asked.layers:
        notes.append("Hidden states were not kept, so where the trace sits is not shown.")
    if not asked.relearn and any(c.status == "not tested" for point in points for c in point.state.conditions):
        notes.append("Whether a trace is suppressed or gone was not tested; --relearn does.")
    return tuple(notes)
