"""A condition: one thing that has to hold for a test of dealt material. One file each; discovery collects them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import auditor.dealt.checks
from auditor.core.registry import discover
from auditor.dealt.case import DealtCase
from auditor.results.dealt.checks import PlanCheck, PlanCheckStatus
from auditor.results.guards import GuardFigure


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition finds.

    Attributes:
        status: `failed` takes the verdict away, `warning` does not.
        reason: The finding, one sentence.
        remediation: What would change it.
        figures: The numbers behind it that stand nowhere else.
    """

    status: PlanCheckStatus
    reason: str
    remediation: str = ""
    figures: tuple[GuardFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A named condition.

    Attributes:
        name: Short, in kebab case.
        order: Position in the output.
        question: What it answers.
        needs_scores: Whether it reads what a model says; the others are judged before a model runs too.
        judge: Decides, from a case alone.
    """

    name: str
    order: int
    question: str
    needs_scores: bool
    judge: Callable[[DealtCase], Finding] = field(repr=False)

    def check(self, case: DealtCase) -> PlanCheck:
        """Judge a case."""
        found = self.judge(case)
        return PlanCheck(
            name=self.name,
            question=self.question,
            status=found.status,
            reason=found.reason,
            remediation=found.remediation,
            figures=found.figures,
        )


def condition(
    *, name: str, order: int, question: str, needs_scores: bool = False
) -> Callable[[Callable[[DealtCase], Finding]], Condition]:
    """Turn a function of the case into a Condition."""
    return lambda judge: Condition(name, order, question, needs_scores, judge)


def all_conditions() -> tuple[Condition, ...]:
    """Every condition, in the order of the output."""
    return tuple(sorted(discover(auditor.dealt.checks, Condition), key=lambda one: one.order))
