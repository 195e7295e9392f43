"""The suspect set, and the placebo set in its place, against the held-out set at each checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.report.series import label, series_of, sets
from auditor.report.tables.table import ReportTable, or_else
from auditor.report.text import estimate, fixed, number, p_value
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.estimate import Estimate
from auditor.results.result import AuditResult


def _contrasts(result: AuditResult) -> Iterator[tuple[tuple[str, str], Contrast]]:
    series = series_of(result)
    for checkpoint in series.checkpoints if series else ():
        for name, contrast in sets(checkpoint):
            yield (label(checkpoint.name), name), contrast


def losses(result: AuditResult) -> ReportTable:
    """Bits per byte of every set and their change since the origin."""
    series = series_of(result)
    checkpoints = series.checkpoints if series else ()
    placebo = any(checkpoint.placebo for checkpoint in checkpoints)
    general = any(checkpoint.general for checkpoint in checkpoints)
    rows = []
    for checkpoint in checkpoints:
        pairs: list[tuple[Estimate | None, Estimate | None]] = [
            (checkpoint.suspect.loss, checkpoint.suspect.change),
            (checkpoint.heldout, checkpoint.heldout_change),
        ]
        if placebo:
            found = checkpoint.placebo
            pairs.append((found.loss, found.change) if found else (None, None))
        if general:
            text = checkpoint.general
            pairs.append((text.loss, text.change) if text else (None, None))
        rows.append((label(checkpoint.name), *(cell for pair in pairs for cell in _with_change(*pair))))
    shown = ["Suspect", "Held-out", *(["Placebo"] if placebo else []), *(["General"] if general else [])]
    return ReportTable(("Checkpoint", *(head for name in shown for head in (name, "Change"))), tuple(rows))


def _with_change(loss: Estimate | None, change: Estimate | None) -> tuple[str, str]:
    return or_else(loss, "not measured"), or_else(change, "not measured" if loss is None else "origin", 0)


def gaps(result: AuditResult) -> ReportTable:
    """The gap, tested, and its sizes."""
    alpha, limits = result.thresholds.alpha, _limits(result)
    rows = [
        (
            *names,
            estimate(found.gap, 0),
            p_value(found.gap_p_value, alpha),
            p_value(found.gap_p_adjusted, alpha),
            estimate(found.effect_size, 0),
            estimate(found.auc, 0.5, limits[1]),
            estimate(found.trace),
            or_else(found.retained, "not stated", 0, limits[0]),
        )
        for names, found in _contrasts(result)
    ]
    headers = ("Checkpoint", "Set", "Gap", "p", "p (Holm)", "Cohen's d", "AUC of the loss", "|2 AUC − 1|", "Share left")
    return ReportTable(headers, tuple(rows), names=2)


def changes(result: AuditResult) -> ReportTable:
    """Difference-in-differences since the origin."""
    alpha = result.thresholds.alpha
    rows = [
        (
            *names,
            f"{found.documents:,}",
            f"{found.groups:,}",
            or_else(found.change, "origin", 0),
            or_else(found.difference_in_differences, "origin", 0),
            "origin" if found.did_p_value is None else p_value(found.did_p_value, alpha),
            "origin" if found.did_p_adjusted is None else p_value(found.did_p_adjusted, alpha),
        )
        for names, found in _contrasts(result)
    ]
    headers = (
        "Checkpoint",
        "Set",
        "Documents",
        "Groups",
        "Change of loss",
        "Less held-out's",
        "p",
        "p (Holm)",
    )
    return ReportTable(headers, tuple(rows), names=2)


def memorisation(result: AuditResult) -> ReportTable:
    """Verbatim memory beside that of held-out text."""
    rows = [
        (
            *names,
            measure.name,
            or_else(measure.value, "no text long enough"),
            or_else(measure.heldout, "no text long enough"),
            or_else(measure.difference, "not stated", 0),
            f"{measure.documents:,}",
        )
        for names, found in _contrasts(result)
        for measure in found.memorisation
    ]
    headers = ("Checkpoint", "Set", "Measure", "Of the set", "Of held-out", "Difference", "Documents")
    return ReportTable(headers, tuple(rows), names=3)


def equivalence(result: AuditResult) -> ReportTable:
    """Whether the gap is shown to be small, and what would have been seen."""
    level = 0.0 if result.forgetting is None else result.forgetting.thresholds.equivalence_alpha
    rows = []
    for names, contrast in _contrasts(result):
        found = contrast.equivalence
        rows.append(
            (
                *names,
                p_value(found.p_value, level),
                p_value(found.p_adjusted, level),
                "yes" if found.equivalent else "no",
                fixed(found.margin),
                number(found.margin_d),
                fixed(found.detectable_gap),
                fixed(found.detectable_d),
            )
        )
    headers = (
        "Checkpoint",
        "Set",
        "p",
        "p (Holm)",
        "Shown to be small",
        "Margin",
        "Margin as d",
        "Detectable gap",
        "Detectable d",
    )
    return ReportTable(headers, tuple(rows), names=2)


def events(result: AuditResult) -> ReportTable:
    """Crossings of the memorised line up to each checkpoint."""
    rows = [
        (
            *names,
            f"{found.events.memorised:,}",
            number(found.events.expected),
            f"{found.events.learned:,}",
            f"{found.events.forgotten:,}",
            f"{found.events.events:,}",
            f"{found.documents:,}",
        )
        for names, found in _contrasts(result)
    ]
    headers = (
        "Checkpoint",
        "Set",
        "Above the line",
        "Expected of unseen text",
        "Ever crossed it upward",
        "Ever crossed it downward",
        "Downward crossings",
        "Documents",
    )
    return ReportTable(headers, tuple(rows), names=2)


def _limits(result: AuditResult) -> tuple[float, float]:
    """What a retained share and an AUC are held against."""
    policy = result.forgetting.thresholds if result.forgetting else None
    return (0.0, 0.5) if policy is None else (policy.retained_share, policy.inverted_auc)
