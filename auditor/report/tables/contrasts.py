"""The suspect set, and the placebo set in its index, against the held-out set at each checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.report.series import label, series_of, sets
from auditor.report.tables.table import ReportTable, or_else, series_table
from auditor.report.text import format_estimate, format_fixed, format_number, format_p
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.estimate import Estimate
from auditor.results.result import AuditResult


def _contrasts(result: AuditResult) -> Iterator[tuple[tuple[str, str], Contrast]]:
    series = series_of(result)
    for checkpoint in series.checkpoints if series else ():
        for name, contrast in sets(checkpoint):
            yield (label(checkpoint.name), name), contrast


@series_table(
    name="losses",
    order=10,
    title="Loss of each set, bits per byte",
    how_to_read=(
        "How many bits the model needs for a byte of each set, and the change since the origin. A change of the "
        "suspect set alone shows nothing: a model that drifts changes on every text."
    ),
)
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
            contrast = checkpoint.placebo
            pairs.append((contrast.loss, contrast.change) if contrast else (None, None))
        if general:
            text = checkpoint.general
            pairs.append((text.loss, text.change) if text else (None, None))
        rows.append((label(checkpoint.name), *(cell for pair in pairs for cell in _with_change(*pair))))
    shown = ["Suspect", "Held-out", *(["Placebo"] if placebo else []), *(["General"] if general else [])]
    return ReportTable(("Checkpoint", *(head for name in shown for head in (name, "Change"))), tuple(rows))


def _with_change(loss: Estimate | None, change: Estimate | None) -> tuple[str, str]:
    return or_else(loss, "not measured"), or_else(change, "not measured" if loss is None else "origin", 0)


@series_table(
    name="gaps",
    order=20,
    title="Gap to held-out text, bits per byte",
    how_to_read=(
        "The gap is the held-out loss less that of the suspect set; positive means the suspect set is more familiar. "
        "Its test is two-sided, and so is |2 AUC − 1|: a set that scores far worse than unseen text shows a trace "
        "too. The share left is the gap over the gap at the reference; it is not stated at the reference, before it, "
        "or where the reference gap is too uncertain to divide by."
    ),
)
def gaps(result: AuditResult) -> ReportTable:
    """The gap, tested, and its sizes."""
    alpha, limits = result.thresholds.alpha, _limits(result)
    rows = [
        (
            *names,
            format_estimate(contrast.gap, 0),
            format_p(contrast.gap_p_value, alpha),
            format_p(contrast.gap_p_adjusted, alpha),
            format_estimate(contrast.effect_size, 0),
            format_estimate(contrast.auc, 0.5, limits[1]),
            format_estimate(contrast.trace),
            or_else(contrast.retained, "not stated", 0, limits[0]),
        )
        for names, contrast in _contrasts(result)
    ]
    headers = ("Checkpoint", "Set", "Gap", "p", "p (Holm)", "Cohen's d", "AUC of the loss", "|2 AUC − 1|", "Share left")
    return ReportTable(headers, tuple(rows), names=2)


@series_table(
    name="changes",
    order=30,
    title="Difference-in-differences, bits per byte",
    how_to_read=(
        "The change of the set's loss less that of the held-out loss, since the origin: what is left after the drift "
        "of the model. Positive means the set lost more than unseen text did."
    ),
)
def changes(result: AuditResult) -> ReportTable:
    """Difference-in-differences since the origin."""
    alpha = result.thresholds.alpha
    rows = [
        (
            *names,
            f"{contrast.documents:,}",
            f"{contrast.groups:,}",
            or_else(contrast.change, "origin", 0),
            or_else(contrast.difference_in_differences, "origin", 0),
            "origin" if contrast.did_p_value is None else format_p(contrast.did_p_value, alpha),
            "origin" if contrast.did_p_adjusted is None else format_p(contrast.did_p_adjusted, alpha),
        )
        for names, contrast in _contrasts(result)
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


@series_table(name="memorisation", order=50, title="Verbatim memory")
def memorisation(result: AuditResult) -> ReportTable:
    """Verbatim memory compared with that of held-out text."""
    rows = [
        (
            *names,
            measure.name,
            or_else(measure.value, "no text long enough"),
            or_else(measure.heldout, "no text long enough"),
            or_else(measure.difference, "not stated", 0),
            f"{measure.documents:,}",
        )
        for names, contrast in _contrasts(result)
        for measure in contrast.memorisation
    ]
    headers = ("Checkpoint", "Set", "Measure", "Of the set", "Of held-out", "Difference", "Documents")
    return ReportTable(headers, tuple(rows), names=3)


@series_table(
    name="equivalence",
    order=40,
    title="Equivalence and detectable gap, bits per byte",
    how_to_read=(
        "Two one-sided tests that the gap is below the margin: only a small p-value shows that the gap is small; not "
        "being detected does not. The detectable gap is the smallest that this many groups would show. The level, the "
        "margin and the power are among the thresholds."
    ),
)
def equivalence(result: AuditResult) -> ReportTable:
    """Whether the gap is shown to be small, and the detectable gap."""
    level = 0.0 if result.forgetting is None else result.forgetting.thresholds.equivalence_alpha
    rows = []
    for names, contrast in _contrasts(result):
        equivalence = contrast.equivalence
        rows.append(
            (
                *names,
                format_p(equivalence.p_value, level),
                format_p(equivalence.p_adjusted, level),
                "yes" if equivalence.equivalent else "no",
                format_fixed(equivalence.margin),
                format_number(equivalence.margin_d),
                format_fixed(equivalence.detectable_gap),
                format_fixed(equivalence.detectable_d),
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


@series_table(name="events", order=60, title="Crossings of the memorised line since the origin")
def events(result: AuditResult) -> ReportTable:
    """Crossings of the memorised line up to each checkpoint."""
    rows = [
        (
            *names,
            f"{contrast.events.memorised:,}",
            format_number(contrast.events.expected),
            f"{contrast.events.learned:,}",
            f"{contrast.events.forgotten:,}",
            f"{contrast.events.events:,}",
            f"{contrast.documents:,}",
        )
        for names, contrast in _contrasts(result)
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
