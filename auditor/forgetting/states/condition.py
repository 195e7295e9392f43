"""StateCondition: the test of one state against the figures of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from auditor.forgetting.states.findings import CheckpointFindings
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import Condition
from auditor.results.forgetting.states import Code
from auditor.results.policy import Policy

Answer = tuple[Literal["met", "not met", "not tested"], str]
"""Whether a condition is met, and the figures in a sentence."""

Test = Callable[[CheckpointFindings, Policy, ForgettingPolicy], Answer]


@dataclass(frozen=True, slots=True)
class StateCondition:
    """The condition of a state; found by discovery in `auditor/forgetting/states/`.

    Attributes:
        code: Of the state; its row is in `auditor.results.forgetting.states`.
        test: From the figures to the answer.
    """

    code: Code
    test: Test

    def check(self, findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
        """Test a checkpoint."""
        status, reason = self.test(findings, policy, forgetting)
        return Condition(code=self.code, status=status, reason=reason)


def condition(code: Code) -> Callable[[Test], StateCondition]:
    """Make a function the condition of a state."""
    return lambda test: StateCondition(code, test)


def answer(met: bool, reason: str) -> Answer:
    """Met or not met, with the reason."""
    return ("met" if met else "not met"), reason


def no(reason: str) -> Answer:
    """Not met, with the reason."""
    return "not met", reason
