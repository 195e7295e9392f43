"""Judging: whether a result passes its gate; the one answer that every output shows."""

from __future__ import annotations

from auditor.core.record import Record
from auditor.results.result import AuditResult

_UNDECIDED = ("H", "W")
"""States in which nothing can be said of the suspect set."""


class GateOutcome(Record):
    """Whether a gate is passed."""

    passed: bool
    """Whether CI goes on."""

    reason: str
    """The verdict or state that decided, in a few words."""

    exit_code: int
    """0 where it passed; 3 where it failed for being undecided (the verdict, or a state that is inconclusive or
    wrecked); 1 where it failed for anything else."""


def evaluate_gate(result: AuditResult) -> GateOutcome:
    """Hold a result against its own gate. The screen, JSON, JUnit, Markdown and the exit code all show this."""
    last = None if result.forgetting is None else result.forgetting.checkpoints[-1].state
    word = result.verdict.outcome
    red: list[str] = [word] if word.lower() in result.gate.fail_on else []
    undecided = word == "INCONCLUSIVE"
    if last is not None and f"state {last.code}" in result.gate.fail_on:
        red.append(f"state {last.code}, {last.name}")
        # A state stands as it is where the correction over a batch has made its verdict inconclusive.
        undecided = undecided and last.code in _UNDECIDED
    if red:
        return GateOutcome(passed=False, reason="; ".join(red), exit_code=3 if undecided else 1)
    return GateOutcome(passed=True, reason=word, exit_code=0)
