"""Plain text for a terminal: the verdict and what it rests on, without colours or control codes."""

from __future__ import annotations

import textwrap

from auditor.core.text import amount, shorten, visible
from auditor.report import selection
from auditor.report.chat import chat_sentences
from auditor.report.choices import setting_sentences
from auditor.report.gate import correction_sentence, gate_details, status_of
from auditor.report.renderer import Renderer
from auditor.report.series import level_words, placebo_alarms, series_of
from auditor.report.text import (
    format_auc,
    format_difference,
    format_estimate,
    format_fixed,
    format_interval,
    format_p,
    format_percent,
)
from auditor.results.forgetting.states import STATES
from auditor.results.passed_over import of_result
from auditor.results.result import AuditResult
from auditor.results.separability import Excess
from auditor.results.summary import evaluate_gate

WIDTH = 100
"""Most characters of a line."""

_LABEL = 10


def entry(label: str, text: str, indent: int = _LABEL) -> str:
    """A labelled paragraph, wrapped."""
    return textwrap.fill(
        visible(text),
        WIDTH,
        initial_indent=label.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def _label(name: str) -> str:
    return shorten(visible(name), 24)


def summary(result: AuditResult) -> str:
    """The verdict sentence, the effect with its interval, the p-value, the groups, and the guards in their order.

    Returns:
        Lines of at most 100 characters, the tool's own marks in ASCII, ending in a line feed.
    """
    verdict, main, thresholds = result.verdict, result.membership, result.thresholds
    detectable = "not stated" if main.detectable_auc is None else format_auc(main.detectable_auc)
    lines = [
        f"{verdict.headline}: {visible(result.name)}",
        textwrap.fill(visible(verdict.sentence), WIDTH, break_on_hyphens=False),
        *(entry("Settings", sentence) for sentence in setting_sentences(result.manifest.nondefault_settings)),
        "",
        entry("Caution", verdict.not_meaning),
    ]
    if verdict.remediation:
        lines.append(entry("Remedy", verdict.remediation))
    gate_outcome = evaluate_gate(result)
    lines.append(entry("Gate", f"{status_of(gate_outcome)}{gate_details(result.gate, gate_outcome)}"))
    if result.multiplicity is not None:
        lines.append(entry("Batch", correction_sentence(result.multiplicity, thresholds.alpha)))
    lines += _states(result)
    lines += [
        entry(
            "Effect",
            f"AUC {format_auc(main.auc)} (0.5 is chance), "
            f"{format_percent(main.auc_interval.level)} interval {format_interval(main.auc_interval)}",
        ),
        entry(
            "p-value",
            f"{format_p(main.p_value, main.alpha)}, {level_words(result)} ({amount(main.permutations, 'permutation')})",
        ),
        entry(
            "Groups",
            f"{main.groups_suspect:,} suspect, {main.groups_heldout:,} held-out; AUC of the mean of all "
            f"features that would be detected with {format_percent(thresholds.power)} power: {detectable}",
        ),
    ]
    left = of_result(result)
    if left:
        lines.append(entry("Left out", left))
    if result.excess is not None:
        lines.append(entry(*_excess(result.excess)))
    if result.manifest.chat is not None:
        lines.append(entry("Chat", " ".join(chat_sentences(result.manifest.chat))))
    lines += [
        "",
        "Guards    " + ", ".join(f"{n} {status}" for status, n in selection.guard_counts(result.guards).items()),
    ]
    widest = max((len(_label(guard.name)) for guard in result.guards), default=0)
    for guard in result.guards:
        label = f"  {guard.status:<8} {_label(guard.name):<{widest}}  "
        lines.append(entry(label, guard.reason + (f" {guard.remediation}" if guard.remediation else ""), len(label)))
    lines += ["", entry("Validity", f"class {verdict.validity_class}, {verdict.grade}: {verdict.validity}")]
    # Once more: a name may stand at the beginning of a line that was wrapped.
    return visible("\n".join(lines), keep="\n") + "\n"


def _excess(excess: Excess) -> tuple[str, str]:
    """Label and text of what the test finds beyond the text, or beyond a reference."""
    if excess.lower is None:
        return (
            "Over base",
            f"AUC {format_auc(excess.difference + 0.5)} for the change from the reference, less what text and "
            f"reference predict of it; p = {format_p(excess.p_value or 0.0, excess.alpha)}",
        )
    return (
        "Over text",
        f"{format_difference(excess.difference)} is membership AUC minus text AUC; at least "
        f"{format_difference(excess.lower)} with {format_percent(excess.level)} confidence",
    )


def _states(result: AuditResult) -> list[str]:
    """Each checkpoint with its state and what it rests on."""
    series = series_of(result)
    if series is None:
        return []
    widest = max(len(_label(checkpoint.name)) for checkpoint in series.checkpoints)
    lines = ["", f"States    of {amount(len(series.checkpoints), 'checkpoint')}"]
    for checkpoint in series.checkpoints:
        state, contrast = checkpoint.state, checkpoint.suspect
        label = f"  {state.code} {_label(checkpoint.name):<{widest}}  "
        summary = (
            f"{state.name}; gap {format_estimate(contrast.gap, 0)} bits per byte, "
            f"AUC {format_fixed(contrast.auc.value, 0.5)}, "
            f"p (Holm) {format_p(checkpoint.detection.p_adjusted, result.thresholds.alpha)}"
        )
        last = checkpoint is series.checkpoints[-1]
        if STATES[state.code].tone == "open" or (last and result.kind == "check"):
            summary += f". {state.sentence} {state.remediation}".rstrip()
        lines.append(entry(label, summary, len(label)))
    lines += [entry("  !", alarm, 4) for alarm in placebo_alarms(result)]
    lines += [entry("  -", note, 4) for note in (result.forgetting.notes if result.forgetting else ())]
    if result.kind == "forget":
        lines += ["", entry("Last", f"{_label(series.checkpoints[-1].name)} alone, with the single-pass features:")]
        return lines
    return [*lines, ""]


TEXT = Renderer(name="text", extensions=(".txt",), render=summary)
