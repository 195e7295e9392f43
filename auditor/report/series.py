"""Which part of a series of checkpoints a report shows, and in which order. Sorting and naming only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from auditor.core.text import shorten, visible
from auditor.report.gate import side
from auditor.report.text import format_number, format_p
from auditor.results.correction import NAMES
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.series import ChangeDeciles, Checkpoint, Forgetting
from auditor.results.guards import GuardResult
from auditor.results.result import AuditResult

T = TypeVar("T")

LIMIT = 20
"""Most checkpoints shown; the JSON result has all of them."""


def spread(count: int, limit: int) -> list[int]:
    """At most `limit` of the indices 0 to `count` - 1, evenly spread, with the first and the last."""
    if count <= limit:
        return list(range(count))
    return [round(step * (count - 1) / (limit - 1)) for step in range(limit)]


def choose(count: int, limit: int, keep: Sequence[int]) -> list[int]:
    """As `spread`, with the indices of `keep` in it, each in place of its nearest neighbour between first and last."""
    indices = spread(count, limit)
    for wanted in keep:
        if wanted not in indices:
            nearest = min(range(1, len(indices) - 1), key=lambda position: abs(indices[position] - wanted))
            indices[nearest] = wanted
    return indices


def sets(checkpoint: Checkpoint) -> list[tuple[str, Contrast]]:
    """The sets compared with the held-out one, each with its name."""
    placebo = [] if checkpoint.placebo is None else [("placebo", checkpoint.placebo)]
    return [("suspect", checkpoint.suspect), *placebo]


@dataclass(frozen=True, slots=True)
class SharedFinding:
    """A finding of a guard, with the names of all checkpoints that share it."""

    guard: GuardResult
    checkpoints: tuple[str, ...]


def shared_findings(checkpoints: Iterable[Checkpoint]) -> list[SharedFinding]:
    """The distinct findings of the guards at all checkpoints, in the order of the guards."""
    by_finding: dict[tuple[str, GuardResult], list[str]] = {}
    order: dict[str, int] = {}
    for checkpoint in checkpoints:
        for guard in checkpoint.detection.guards:
            order.setdefault(guard.name, len(order))
            by_finding.setdefault((guard.name, guard), []).append(checkpoint.name)
    pairs = sorted(by_finding.items(), key=lambda pair: order[pair[0][0]])
    return [SharedFinding(guard, tuple(names)) for (_, guard), names in pairs]


def series_of(result: AuditResult) -> Forgetting | None:
    """The series of a result as a report shows it: at most 20 checkpoints; None where it has none or an empty one.

    Of a longer series the first, the last, the reference and an even selection of the others are shown.
    """
    series = result.forgetting
    if series is None or not series.checkpoints:
        return None
    return series if len(series.checkpoints) <= LIMIT else _thinned(series)


def _thinned(series: Forgetting) -> Forgetting:
    names = [checkpoint.name for checkpoint in series.checkpoints]
    selected = choose(len(names), LIMIT, [names.index(series.reference)] if series.reference in names else [])

    def pick(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(values[index] for index in selected) if len(values) == len(names) else ()

    shown = {names[index] for index in selected}
    tasks = series.tasks
    if tasks is not None:
        points = tuple(point for point in tasks.points if point.model in shown or point.model not in names)
        tests = tuple(test for test in tasks.tests if {test.earlier, test.later} <= shown)
        tasks = tasks.model_copy(update={"points": points, "tests": tests})
    largest_changes = tuple(
        change.model_copy(update={"moves": pick(change.moves), "memorised": pick(change.memorised)})
        for change in series.largest_changes
    )
    deciles = ChangeDeciles(suspect=pick(series.change_deciles.suspect), heldout=pick(series.change_deciles.heldout))
    return series.model_copy(
        update={
            "checkpoints": pick(series.checkpoints),
            "largest_changes": largest_changes,
            "change_deciles": deciles,
            "tasks": tasks,
        }
    )


def label(name: str) -> str:
    """The name of a checkpoint, a task or a layer where it is repeated often: at most 40 visible characters."""
    return shorten(visible(name), 40)


def placebo_alarms(result: AuditResult) -> list[str]:
    """A warning for every checkpoint at which the placebo set, which nobody trained on, is detected as well."""
    series, alpha = series_of(result), result.thresholds.alpha
    alarms = []
    for checkpoint in series.checkpoints if series else ():
        placebo = checkpoint.placebo
        tests = {
            "by the engine": checkpoint.placebo_p_adjusted,
            "by its gap": placebo.gap_p_adjusted if placebo else None,
            "by its change": placebo.did_p_adjusted if placebo else None,
        }
        rejections = [f"{how} (p = {format_p(p, alpha)})" for how, p in tests.items() if p is not None and p <= alpha]
        if rejections:
            alarms.append(
                f"At {label(checkpoint.name)} the placebo set differs from the held-out set too, "
                f"{', '.join(rejections)}, though neither is in question: a difference of the suspect set there may "
                "have nothing to do with training."
            )
    return alarms


def level_words(result: AuditResult) -> str:
    """The p-value of the test compared with its level, after the correction over checkpoints or over a batch."""
    alpha = result.thresholds.alpha
    decides = result.deciding_series
    if decides is not None and decides.checkpoints:
        adjusted = decides.checkpoints[-1].detection.p_adjusted
        corrected = f"{format_p(adjusted, alpha)} over all checkpoints (Holm), "
    elif result.multiplicity is not None:
        adjusted = result.multiplicity.p_adjusted
        method = NAMES[result.multiplicity.method] + (", counted as 1" if result.multiplicity.refused else "")
        corrected = f"{format_p(adjusted, alpha)} over {result.multiplicity.over} ({method}), "
    else:
        adjusted, alpha, corrected = result.membership.p_value, result.membership.alpha, ""
    return f"{corrected}{side(adjusted, alpha)} the level of {format_number(alpha)}"
