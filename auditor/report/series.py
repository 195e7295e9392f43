"""What a report shows of a series of checkpoints, and in which order. Sorting and naming only."""

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
    """At most `limit` of the places 0 to `count` - 1, evenly, with the first and the last."""
    if count <= limit:
        return list(range(count))
    return [round(step * (count - 1) / (limit - 1)) for step in range(limit)]


def choose(count: int, limit: int, keep: Sequence[int]) -> list[int]:
    """As `spread`, with the places of `keep` in it, each instead of its nearest neighbour between first and last."""
    places = spread(count, limit)
    for wanted in keep:
        if wanted not in places:
            nearest = min(range(1, len(places) - 1), key=lambda place: abs(places[place] - wanted))
            places[nearest] = wanted
    return places


def sets(checkpoint: Checkpoint) -> list[tuple[str, Contrast]]:
    """The sets held against the held-out one, each with its name."""
    placebo = [] if checkpoint.placebo is None else [("placebo", checkpoint.placebo)]
    return [("suspect", checkpoint.suspect), *placebo]


@dataclass(frozen=True, slots=True)
class SharedFinding:
    """What a guard found, with the names of all checkpoints at which it found exactly that."""

    guard: GuardResult
    checkpoints: tuple[str, ...]


def shared_findings(checkpoints: Iterable[Checkpoint]) -> list[SharedFinding]:
    """The findings of the guards at all checkpoints, equal ones told once, in the order of the guards."""
    found: dict[tuple[str, GuardResult], list[str]] = {}
    order: dict[str, int] = {}
    for checkpoint in checkpoints:
        for guard in checkpoint.detection.guards:
            order.setdefault(guard.name, len(order))
            found.setdefault((guard.name, guard), []).append(checkpoint.name)
    pairs = sorted(found.items(), key=lambda pair: order[pair[0][0]])
    return [SharedFinding(guard, tuple(names)) for (_, guard), names in pairs]


def series_of(result: AuditResult) -> Forgetting | None:
    """The series of a result as a report shows it: at most 20 checkpoints; None where it has none or an empty one.

    Of a longer series the first, the last, the reference and an even choice of the others are kept.
    """
    series = result.forgetting
    if series is None or not series.checkpoints:
        return None
    return series if len(series.checkpoints) <= LIMIT else _thinned(series)


def _thinned(series: Forgetting) -> Forgetting:
    names = [checkpoint.name for checkpoint in series.checkpoints]
    kept = choose(len(names), LIMIT, [names.index(series.reference)] if series.reference in names else [])

    def pick(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(values[place] for place in kept) if len(values) == len(names) else ()

    shown = {names[place] for place in kept}
    tasks = series.tasks
    if tasks is not None:
        points = tuple(point for point in tasks.points if point.model in shown or point.model not in names)
        tests = tuple(test for test in tasks.tests if {test.earlier, test.later} <= shown)
        tasks = tasks.model_copy(update={"points": points, "tests": tests})
    largest_changes = tuple(
        mover.model_copy(update={"moves": pick(mover.moves), "memorised": pick(mover.memorised)})
        for mover in series.largest_changes
    )
    slopes = ChangeDeciles(suspect=pick(series.change_deciles.suspect), heldout=pick(series.change_deciles.heldout))
    return series.model_copy(
        update={
            "checkpoints": pick(series.checkpoints),
            "largest_changes": largest_changes,
            "change_deciles": slopes,
            "tasks": tasks,
        }
    )


def label(name: str) -> str:
    """The name of a checkpoint, a task or a layer where it comes again and again: at most 40 visible characters."""
    return shorten(visible(name), 40)


def placebo_alarms(result: AuditResult) -> list[str]:
    """A sentence for every checkpoint at which the placebo set, which nobody trained on, stands out as well."""
    series, alpha = series_of(result), result.thresholds.alpha
    alarms = []
    for checkpoint in series.checkpoints if series else ():
        placebo = checkpoint.placebo
        tests = {
            "by the engine": checkpoint.placebo_p_adjusted,
            "by its gap": placebo.gap_p_adjusted if placebo else None,
            "by its change": placebo.did_p_adjusted if placebo else None,
        }
        told = [f"{how} (p = {format_p(p, alpha)})" for how, p in tests.items() if p is not None and p <= alpha]
        if told:
            alarms.append(
                f"At {label(checkpoint.name)} the placebo set is told from the held-out set too, {', '.join(told)}, "
                "though neither is in question: what is seen there of the suspect set may have nothing to do with it."
            )
    return alarms


def level_words(result: AuditResult) -> str:
    """How the p-value of the test compares with its level: after the correction over checkpoints or over a batch."""
    alpha = result.thresholds.alpha
    if result.kind == "forget" and result.forgetting is not None and result.forgetting.checkpoints:
        adjusted = result.forgetting.checkpoints[-1].detection.p_adjusted
        said = f"{format_p(adjusted, alpha)} over all checkpoints (Holm), "
    elif result.multiplicity is not None:
        adjusted = result.multiplicity.p_adjusted
        counted = ", counted as 1" if result.multiplicity.refused else ""
        said = (
            f"{format_p(adjusted, alpha)} over {result.multiplicity.over} "
            f"({NAMES[result.multiplicity.method]}{counted}), "
        )
    else:
        adjusted, alpha, said = result.membership.p_value, result.membership.alpha, ""
    return f"{said}{side(adjusted, alpha)} the level of {format_number(alpha)}"
