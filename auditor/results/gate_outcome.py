"""Whether a result passes its gate: the one answer that every output shows."""

from __future__ import annotations

from auditor.core.record import Record
from auditor.results.forgetting.states import STATES
from auditor.results.result import AuditResult


class GateOutcome(Record):
    """Whether a gate is passed."""

    passed: bool
    """Whether CI goes on."""

    reason: str
    """The verdict or state that decided, in a few words."""

    exit_code: int
    """0 where it passed; 3 where it failed for being undecided (an INCONCLUSIVE verdict, or a state that makes
    one); 1 where it failed for anything else."""


def evaluate_gate(result: AuditResult) -> GateOutcome:
    """Evaluate the gate of a result. The terminal, JSON, JUnit, Markdown and the exit code all show this."""
    last = None if result.forgetting is None else result.forgetting.checkpoints[-1].state
    outcome = result.verdict.outcome
    red: list[str] = [outcome] if outcome.lower() in result.gate.fail_on else []
    undecided = outcome == "INCONCLUSIVE"
    if last is not None and f"state {last.code}" in result.gate.fail_on:
        red.append(f"state {last.code}, {last.name}")
        # A state stands as it is where the correction over a batch has made its verdict inconclusive.
        undecided = undecided and STATES[last.code].outcome == "INCONCLUSIVE"
    if red:
        return GateOutcome(passed=False, reason="; ".join(red), exit_code=3 if undecided else 1)
    return GateOutcome(passed=True, reason=outcome, exit_code=0)
