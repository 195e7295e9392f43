"""Plain text for a terminal: the verdict of a test and what it rests on."""

from __future__ import annotations

import textwrap

from auditor.core.text import visible
from auditor.report.choices import setting_sentences
from auditor.report.dealt.renderer import DealtRenderer
from auditor.report.dealt.words import (
    check_counts,
    coin_sentences,
    effect_sentence,
    level_sentence,
    paid_sentence,
    units_sentence,
)
from auditor.report.gate import correction_sentence, gate_details, status_of
from auditor.report.terminal import WIDTH, entry
from auditor.report.text import format_p
from auditor.results.dealt.result import DealtResult
from auditor.results.summary import evaluate_gate


def _render(result: DealtResult) -> str:
    verdict, outcome = result.verdict, evaluate_gate(result)
    lines = [
        f"{verdict.headline}: {visible(result.name)}",
        textwrap.fill(visible(verdict.sentence), WIDTH, break_on_hyphens=False),
        *(entry("Settings", sentence) for sentence in setting_sentences(result.manifest.nondefault_settings)),
        "",
        entry("Meaning", verdict.not_meaning),
        *([entry("Remedy", verdict.remediation)] if verdict.remediation else []),
        entry("Gate", f"{status_of(outcome)}{gate_details(result.gate, outcome)}"),
        entry("Effect", effect_sentence(result)),
        entry("p-value", f"{format_p(result.p_paid, result.level)}, {level_sentence(result)}. {paid_sentence(result)}"),
        *(
            []
            if result.multiplicity is None
            else [entry("Batch", correction_sentence(result.multiplicity, result.level))]
        ),
        entry("Units", units_sentence(result)),
        entry("Coins", " ".join(coin_sentences(result))),
        *(
            entry("Control", f"{label}: p = {format_p(one.p_combined, result.plan.alpha)}")
            for label, one in result.controls.items()
        ),
        "",
        "Checks    " + ", ".join(f"{count} {status}" for status, count in check_counts(result).items()),
    ]
    widest = max((len(check.name) for check in result.checks), default=0)
    for check in result.checks:
        label = f"  {check.status:<8} {visible(check.name):<{widest}}  "
        lines.append(entry(label, f"{check.reason} {check.remediation}".rstrip(), len(label)))
    lines += ["", entry("Validity", f"class {verdict.validity_class}, {verdict.grade}: {verdict.validity}")]
    # Once more: a name may stand at the beginning of a line that was wrapped.
    return visible("\n".join(lines), keep="\n") + "\n"


TEXT = DealtRenderer(name="text", extensions=(".txt",), render=_render)
