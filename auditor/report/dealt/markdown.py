"""Markdown of a test, for a job summary or a pull request."""

from __future__ import annotations

import re

from auditor.core.text import shorten, visible
from auditor.report.choices import setting_sentences
from auditor.report.dealt.renderer import DealtRenderer
from auditor.report.dealt.words import (
    check_counts,
    coin_sentences,
    coins_heading,
    compared,
    design_sentence,
    digests_sentence,
    effect_sentence,
    exactness,
    level_sentence,
    paid_sentence,
    units_sentence,
    verify_sentence,
)
from auditor.report.gate import SIGNS, correction_sentence, gate_sentence, status_of
from auditor.report.markdown import SHAPES, escape, markdown_table
from auditor.report.text import format_p, moment
from auditor.results.dealt.result import DealtResult
from auditor.results.summary import evaluate_gate

_COMMAND = 20_000  # characters


def _verdict(result: DealtResult) -> str:
    verdict, outcome = result.verdict, evaluate_gate(result)
    paid = format_p(result.p_paid, result.level)
    rows = (
        ("Effect", f"**{escape(effect_sentence(result))}**", f"how often {compared(result)}"),
        ("p-value", f"**{paid}**, {level_sentence(result)}", escape(f"{paid_sentence(result)} {exactness(result)}")),
        ("Units", escape(units_sentence(result)), escape(design_sentence(result))),
        *(
            ("Control", escape(label), f"p = {format_p(one.p_combined, result.plan.alpha)} in the same test")
            for label, one in result.controls.items()
        ),
    )
    lines = [
        f"## {SHAPES[verdict.outcome]} {verdict.headline}: {escape(result.name)}",
        f"**{escape(verdict.sentence)}**",
        *(escape(sentence) for sentence in setting_sentences(result.manifest.nondefault_settings)),
        f"What this means and does not mean: {escape(verdict.not_meaning)}",
        *([f"What would change this verdict: {escape(verdict.remediation)}"] if verdict.remediation else []),
        f"{SIGNS[status_of(outcome)]} {escape(gate_sentence(result.gate, outcome))}",
        *(
            []
            if result.multiplicity is None
            else [f"Correction over the batch: {escape(correction_sentence(result.multiplicity, result.level))}"]
        ),
        markdown_table(("", "", ""), rows),
        f"{coins_heading(result)}: {escape(' '.join(coin_sentences(result)))}",
        f"Validity class {verdict.validity_class}, {verdict.grade}: {escape(verdict.validity)} Reason code: "
        f"{escape(verdict.reason)}.",
    ]
    return "\n\n".join(lines)


def _checks(result: DealtResult) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in check_counts(result).items())
    rows = [
        (
            escape(check.name),
            f"**{check.status}**" if check.status == "failed" else check.status,
            escape(check.reason),
            escape(check.remediation),
        )
        for check in result.checks
    ]
    return f"### Checks: {counts}\n\n{markdown_table(('Check', 'Status', 'Finding', 'Remediation'), rows)}"


def _rest(result: DealtResult) -> str:
    command = shorten(visible(result.manifest.command), _COMMAND)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", command)), default=0))
    limits = "\n".join(f"* {escape(one)}" for one in result.limitations)
    return (
        f"### How to check it\n\n{escape(verify_sentence(result))}\n\nRun again by:\n\n{fence}\n{command}\n{fence}\n\n"
        f"{digests_sentence(result)}; auditor "
        f"{escape(result.manifest.auditor_version)}, {escape(moment(result.manifest.created))}\n\n"
        f"### Limitations\n\n{limits}"
    )


def _render(result: DealtResult) -> str:
    return f"{_verdict(result)}\n\n{_checks(result)}\n\n{_rest(result)}\n"


MARKDOWN = DealtRenderer(name="markdown", extensions=(".md", ".markdown"), render=_render)
