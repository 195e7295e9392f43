"""The outcome of a gate and the correction over a batch in words, the same in every format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from auditor.report.text import format_number, format_p
from auditor.results.correction import NAMES, Correction
from auditor.results.forgetting.states import STATES
from auditor.results.gate import Expect, Gate
from auditor.results.result import BatchCorrection
from auditor.results.summary import GateOutcome

Status = Literal["passed", "failed", "broken"]

SIGNS: dict[Status, str] = {"passed": "✓", "failed": "✗", "broken": "⚠"}
"""A sign of its own for each, so that none is distinguished by its colour alone."""

PROMISES: dict[Correction, str] = {
    "holm": "it bounds the chance that any of them says EVIDENCE where there is nothing to find, at the level of the "
    "test",
    "benjamini-hochberg": "it bounds the expected share of false ones among those that say EVIDENCE, at the level of "
    "the test; it does not bound the chance of a single false one",
}
"""What each correction promises."""

REFUSED = "What is not EVIDENCE although its p-value is at or below its level counts with p = 1."
"""Why a p-value may enter a correction as a larger one."""

_EXPECTED: dict[Expect, str] = {"no-evidence": "no evidence", "evidence": "evidence", "any": "anything"}


def status_of(gate_outcome: GateOutcome) -> Status:
    """Passed or failed, as a word."""
    return "passed" if gate_outcome.passed else "failed"


def expected(gate: Gate) -> str:
    """What an audit is expected to say."""
    return _EXPECTED[gate.expect]


def red_on(gate: Gate) -> str:
    """The verdicts and states on which a gate fails."""
    states = {f"state {kind.code}": f"state {kind.code} {kind.name}" for kind in STATES.values()}
    return ", ".join(states.get(word, word) for word in gate.fail_on) or "nothing"


def gate_sentence(gate: Gate, gate_outcome: GateOutcome) -> str:
    """Whether the gate passed and why, with the exit code."""
    return f"Gate {status_of(gate_outcome)}{gate_details(gate, gate_outcome)}"


def gate_details(gate: Gate, gate_outcome: GateOutcome) -> str:
    """Why the gate failed, the exit code and the expectation: what follows the word passed or failed."""
    reason = "" if gate_outcome.passed else f" on {gate_outcome.reason}"
    return f"{reason}, exit code {gate_outcome.exit_code}. Expected: {expected(gate)}. It fails on: {red_on(gate)}."


def correction_sentence(
    correction: BatchCorrection, alpha: float, write: Callable[[float, float], str] = format_p
) -> str:
    """The p-value of an audit before and after the correction over its batch.

    Args:
        correction: The correction.
        alpha: The level that the corrected p-value is compared with.
        write: Formats a p-value, given the level.
    """
    before, after = write(correction.p_value, alpha), write(correction.p_adjusted, alpha)
    level = f"{side(correction.p_adjusted, alpha)} the level of {format_number(alpha)}"
    scope = f"{correction.over} ({NAMES[correction.method]})"
    text = f"p = {before} before and {after} after the correction over {scope}, {level}."
    if correction.n_hypotheses > 1:
        count = correction.n_hypotheses
        text += f" The p-value is multiplied by {count}, the number of hypotheses that can lead to EVIDENCE."
    return text + (f" {REFUSED}" if correction.refused else "")


def side(p: float, alpha: float) -> str:
    """On which side of its level a p-value lies."""
    return "at or below" if p <= alpha else "above"
