"""Markdown for a job summary or a pull request: the verdict, the guards and what to do, within GitHub's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from auditor.core.text import amount, shorten, visible
from auditor.report import selection
from auditor.report.chat import chat_sentences
from auditor.report.choices import setting_sentences
from auditor.report.figures.figure import figures
from auditor.report.gate import SIGNS, correction_sentence, gate_sentence, status_of
from auditor.report.renderer import Renderer
from auditor.report.series import level_words, placebo_alarms, series_of
from auditor.report.tables.table import series_tables
from auditor.report.text import (
    format_auc,
    format_estimate,
    format_interval,
    format_p,
    format_percent,
    in_hundred,
    moment,
)
from auditor.results.forgetting.series import Checkpoint
from auditor.results.forgetting.states import STATES
from auditor.results.outcome import Outcome
from auditor.results.passed_over import of_result
from auditor.results.result import AuditResult
from auditor.results.summary import evaluate_gate

BYTES = 900_000  # GitHub refuses a step summary above 1 MiB as a whole
_TEXT = 1_000  # characters of any one text
_FEATURES = 20
SHAPES: dict[Outcome, str] = {"EVIDENCE": "◆", "NO EVIDENCE": "○", "INCONCLUSIVE": "□"}
"""A shape of its own for each verdict."""
# Numeric character references are text to Markdown, never syntax, and a reference holds no pipe. A colon is
# syntax only before more text (links, emoji), a dot only after www, where GitHub makes links.
_SYNTAX = re.compile(r"[^\w\s,.;:'()/+%?-]|_|:(?=\S)|(?<=www)\.", re.IGNORECASE)
_LIST = re.compile(r"^(\d*)([-+.)])")


def _reference(match: re.Match[str]) -> str:
    character = match.group()
    return character if ord(character) > 127 else f"&#{ord(character)};"


def escape(text: str) -> str:
    """Foreign text as Markdown that shows exactly its visible characters, on one line, at most 1,000 of them."""
    plain = _SYNTAX.sub(_reference, shorten(visible(text), _TEXT).strip())
    return _LIST.sub(lambda match: f"{match.group(1)}&#{ord(match.group(2))};", plain)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _verdict(result: AuditResult) -> str:
    verdict, main, gate_outcome, alpha = (
        result.verdict,
        result.membership,
        evaluate_gate(result),
        result.thresholds.alpha,
    )
    compared = level_words(result)
    detectable = "not stated" if main.detectable_auc is None else format_auc(main.detectable_auc)
    level, power = format_percent(main.auc_interval.level), format_percent(result.thresholds.power)
    lines = [
        f"## {SHAPES[verdict.outcome]} {verdict.headline}: {escape(result.name)}",
        f"**{escape(verdict.sentence)}**",
        *(escape(sentence) for sentence in setting_sentences(result.manifest.nondefault_settings)),
        *(escape(sentence) for chat in [result.manifest.chat] if chat for sentence in chat_sentences(chat)),
        f"What this does not mean: {escape(verdict.not_meaning)}",
        *([f"What would change this verdict: {escape(verdict.remediation)}"] if verdict.remediation else []),
        f"{SIGNS[status_of(gate_outcome)]} {escape(gate_sentence(result.gate, gate_outcome))}",
        *(
            []
            if result.multiplicity is None
            else [f"Correction over the batch: {escape(correction_sentence(result.multiplicity, alpha))}"]
        ),
        *([f"The last checkpoint, {escape(_last(result))}, alone:"] if result.kind == "forget" else []),
        markdown_table(
            ("", "", ""),
            (
                (
                    "Effect",
                    f"AUC **{format_auc(main.auc)}**, {level} interval {format_interval(main.auc_interval)}",
                    f"of 100 random pairs the suspect group scores higher in {in_hundred(main.auc)}; chance is 50",
                ),
                (
                    "p-value",
                    f"**{format_p(main.p_value, main.alpha)}**, {compared}",
                    amount(main.permutations, "permutation"),
                ),
                (
                    "Groups",
                    f"**{main.groups_suspect:,}** suspect, **{main.groups_heldout:,}** held-out",
                    f"AUC of the mean of all features detected with {power} power: {detectable}",
                ),
            ),
        ),
        *([f"Left out of the sets: {escape(left)}."] if (left := of_result(result)) else []),
        f"Validity class {verdict.validity_class}, {verdict.grade}: {escape(verdict.validity)} Reason code: "
        f"{escape(verdict.reason)}.",
    ]
    return "\n\n".join(lines)


def _last(result: AuditResult) -> str:
    series = series_of(result)
    return series.checkpoints[-1].name if series else "not recorded"


def _states(result: AuditResult) -> str:
    series = series_of(result)
    if series is None:
        return ""
    alpha, policy = result.thresholds.alpha, series.thresholds
    rows = [
        (
            escape(checkpoint.name),
            f"**{checkpoint.state.code}** {escape(checkpoint.state.name)}",
            format_estimate(checkpoint.suspect.gap, 0),
            format_estimate(checkpoint.suspect.auc, 0.5, policy.inverted_auc),
            "not stated"
            if checkpoint.suspect.retained is None
            else format_estimate(checkpoint.suspect.retained, 0, policy.retained_share),
            format_p(checkpoint.detection.p_adjusted, alpha),
            _brought_back(checkpoint),
        )
        for checkpoint in series.checkpoints
    ]
    headers = ("Checkpoint", "State", "Gap, bits per byte", "AUC of the loss", "Share left", "p (Holm)", "Brought back")
    sentences = "\n".join(
        f"* {escape(checkpoint.name)}: {escape(checkpoint.state.sentence)}"
        + (f" Remediation: {escape(checkpoint.state.remediation)}" if checkpoint.state.remediation else "")
        for checkpoint in series.checkpoints
    )
    alarms = "".join(f"**{escape(alarm)}**\n\n" for alarm in placebo_alarms(result))
    codes = dict.fromkeys(checkpoint.state.code for checkpoint in series.checkpoints)
    limits = "\n".join(f"* {code} {STATES[code].name}: {STATES[code].not_means}" for code in codes)
    left = len(result.forgetting.checkpoints) - len(rows) if result.forgetting else 0
    more = f" ({left:,} more in the JSON result)" if left else ""
    return (
        f"### States of {amount(len(rows), 'checkpoint')}{more}\n\n{markdown_table(headers, rows)}\n\n{alarms}"
        f"{sentences}\n\nWhat these states do not mean:\n\n{limits}"
    )


def _measures(result: AuditResult) -> str:
    """The notes on the series and its tables."""
    series = series_of(result)
    if series is None or result.forgetting is None:
        return ""
    titled = [(table.title, table.build(result)) for table in series_tables() if table.in_summary]
    titled += [(figure.title, figure.table(result)) for figure in figures() if figure.in_summary]
    parts = [
        f"#### {title}\n\n"
        + markdown_table(
            [escape(header) for header in table.headers], [[escape(cell) for cell in row] for row in table.rows]
        )
        for title, table in titled
        if table.rows
    ]
    notes = "\n".join(f"* {escape(note)}" for note in result.forgetting.notes)
    scope = "The verdict above is of the audited model; it rests on the series only where it says so.\n\n"
    scope = "" if result.kind == "forget" else scope
    return "### Measures of the series\n\n" + scope + (f"{notes}\n\n" if notes else "") + "\n\n".join(parts)


def _brought_back(checkpoint: Checkpoint) -> str:
    if checkpoint.relearning is None or not checkpoint.relearning.probes:
        return "not tested"
    brought = [probe.name for probe in checkpoint.relearning.probes if probe.recovered]
    return f"by {' and '.join(brought)}" if brought else "by none"


def _guards(result: AuditResult) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in selection.guard_counts(result.guards).items())
    rows = [
        (
            escape(guard.name),
            f"**{guard.status}**" if guard.status == "failed" else guard.status,
            escape(guard.reason),
            escape(guard.remediation),
        )
        for guard in result.guards
    ]
    table = markdown_table(("Guard", "Status", "Finding", "Remediation"), rows)
    return f"### Guards: {counts}" + (f"\n\n{table}" if rows else "")


def _features(result: AuditResult) -> str:
    columns = selection.strongest_columns(result)
    rows = [
        (
            escape(c.name),
            format_auc(c.auc),
            format_interval(c.auc_interval),
            format_p(c.p_adjusted, result.membership.alpha),
        )
        for c in columns[:_FEATURES]
    ]
    shown = f"{len(rows)} strongest of {len(columns)}" if len(rows) < len(columns) else f"{len(rows)}"
    return f"### Features: {shown}" + (
        f"\n\n{markdown_table(('Feature', 'AUC', 'Interval', 'Adjusted p-value'), rows)}" if rows else ""
    )


def _limitations(result: AuditResult) -> str:
    lines = "\n".join(f"* {escape(limitation)}" for limitation in result.limitations)
    return f"### Limitations\n\n{lines}" if lines else ""


def _command(result: AuditResult) -> str:
    manifest = result.manifest
    command = shorten(visible(manifest.command), 20 * _TEXT)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
    return (
        f"### How to run it again\n\n{fence}\n{command}\n{fence}\n\n"
        f"auditor {escape(manifest.auditor_version)}, {escape(moment(manifest.created))}, seed {manifest.seed}"
    )


def _render(result: AuditResult) -> str:
    makers = (_verdict, _states, _guards, _command, _limitations, _measures, _features)
    sections = [part for part in (make(result) for make in makers) if part]
    page = ""
    for section in sections:
        longer = f"{page}\n{section}\n" if page else f"{section}\n"
        if len(longer.encode("utf-8")) > BYTES:
            return f"{page}\nThe rest was left out for its size; the HTML and JSON results have it.\n"
        page = longer
    return page


MARKDOWN = Renderer(name="markdown", extensions=(".md", ".markdown"), render=_render)
