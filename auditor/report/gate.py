"""How the judgement of a gate and the correction over a batch are told, the same in every format."""

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
"""A sign of its own for each, so that none is told by its colour alone."""

PROMISES: dict[Correction, str] = {
    "holm": "it bounds the chance that even one of them says EVIDENCE where there is nothing to find, at the level of "
    "the test",
    "benjamini-hochberg": "it bounds the expected share of false ones among those that say EVIDENCE, at the level of "
    "the test; that there is not even one false one it does not bound",
}
"""What each correction promises."""

REFUSED = "What is not EVIDENCE although its p-value is at or below its level counts with p = 1."
"""Why a p-value may be larger in a correction than by itself."""

_EXPECTED: dict[Expect, str] = {"no-evidence": "no evidence", "evidence": "evidence", "any": "anything"}


def status_of(gate_outcome: GateOutcome) -> Status:
    """Passed or failed, as a word."""
    return "passed" if gate_outcome.passed else "failed"


def expected(gate: Gate) -> str:
    """What an audit is expected to say."""
    return _EXPECTED[gate.expect]


def red_on(gate: Gate) -> str:
    """The verdicts and states that make a gate red."""
    states = {f"state {kind.code}": f"state {kind.code} {kind.name}" for kind in STATES.values()}
    return ", ".join(states.get(word, word) for word in gate.fail_on) or "nothing"


def gate_sentence(gate: Gate, gate_outcome: GateOutcome) -> str:
    """What a gate makes of an audit, with the exit code."""
    return f"Gate {status_of(gate_outcome)}{gate_told(gate, gate_outcome)}"


def gate_told(gate: Gate, gate_outcome: GateOutcome) -> str:
    """What follows the word passed or failed."""
    because = "" if gate_outcome.passed else f" on {gate_outcome.reason}"
    return f"{because}, exit code {gate_outcome.exit_code}. Expected: {expected(gate)}. It fails on: {red_on(gate)}."


def correction_sentence(
    correction: BatchCorrection, alpha: float, write: Callable[[float, float], str] = format_p
) -> str:
    """Both p-values of an audit in a batch.

    Args:
        correction: The correction.
        alpha: The level that the corrected p-value is held against.
        write: How a p-value is spelled, given the level.
    """
    return (
        f"p = {write(correction.p_value, alpha)} before and "
        f"{write(correction.p_adjusted, alpha)} after the correction over "
        f"{correction.over} ({NAMES[correction.method]}), {side(correction.p_adjusted, alpha)} "
        f"the level of {format_number(alpha)}."
        + (
            f" The p-value counts {correction.n_hypotheses} times, for as many ways to EVIDENCE."
            if correction.n_hypotheses > 1
            else ""
        )
        + (f" {REFUSED}" if correction.refused else "")
    )


def side(p: float, alpha: float) -> str:
    """On which side of its level a p-value lies."""
    return "at or below" if p <= alpha else "above"
