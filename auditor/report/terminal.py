"""Plain text for a terminal: the verdict and what it rests on, without colours or control codes."""

from __future__ import annotations

import textwrap

from auditor.report import selection
from auditor.report.renderer import Renderer
from auditor.report.text import amount, auc, difference, interval, number, p_value, percent, shorten, visible
from auditor.result import AuditResult

_WIDTH = 100
_LABEL = 10


def _entry(label: str, text: str, indent: int = _LABEL) -> str:
    return textwrap.fill(
        visible(text),
        _WIDTH,
        initial_indent=label.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def _label(name: str) -> str:
    return shorten(visible(name), 24)


def summary(result: AuditResult) -> str:
    """The verdict sentence, the effect with its interval, the p-value, the groups, and the guards one after another.

    Returns:
        Lines of at most 100 characters, the tool's own marks in ASCII, ending in a line feed.
    """
    verdict, main, thresholds = result.verdict, result.membership, result.thresholds
    detectable = "not stated" if main.detectable_auc is None else auc(main.detectable_auc)
    compared = "at or below" if main.p_value <= main.alpha else "above"
    lines = [
        f"{verdict.word}: {visible(result.name)}",
        textwrap.fill(visible(verdict.sentence), _WIDTH, break_on_hyphens=False),
        "",
        _entry("Not meant", verdict.not_meaning),
    ]
    if verdict.mend:
        lines.append(_entry("To mend", verdict.mend))
    lines += [
        _entry(
            "Effect",
            f"AUC {auc(main.auc)} (0.5 is chance), "
            f"{percent(main.auc_interval.level)} interval {interval(main.auc_interval)}",
        ),
        _entry(
            "p-value",
            f"{p_value(main.p_value, main.alpha)}, {compared} the level of {number(main.alpha)} "
            f"({amount(main.permutations, 'permutation')})",
        ),
        _entry(
            "Groups",
            f"{main.groups_suspect:,} suspect, {main.groups_heldout:,} held-out; AUC of the mean of all "
            f"features that would be seen with {percent(thresholds.power)} power: {detectable}",
        ),
    ]
    if result.excess is not None:
        lines.append(
            _entry(
                "Over text",
                f"{difference(result.excess.difference)} is membership AUC minus text AUC; at least "
                f"{difference(result.excess.lower)} with {percent(result.excess.level)} confidence",
            )
        )
    lines += [
        "",
        "Guards    " + ", ".join(f"{n} {status}" for status, n in selection.guard_counts(result.guards).items()),
    ]
    widest = max((len(_label(guard.name)) for guard in result.guards), default=0)
    for guard in result.guards:
        label = f"  {guard.status:<8} {_label(guard.name):<{widest}}  "
        lines.append(_entry(label, guard.reason + (f" {guard.mend}" if guard.mend else ""), len(label)))
    lines += ["", _entry("Validity", f"class {verdict.validity_class}: {verdict.validity}")]
    return "\n".join(lines) + "\n"


TEXT = Renderer(name="text", extensions=(".txt",), render=summary)
