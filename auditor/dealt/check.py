"""A condition: one thing that has to hold for a test of dealt material. One file each; discovery collects them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import auditor.dealt.checks
from auditor.core.registry import discover
from auditor.dealt.case import DealtCase
from auditor.dealt.settings import MATERIALS, Material
from auditor.results.dealt.checks import PlanCheck, PlanCheckStatus
from auditor.results.guards import GuardFigure

NOT_SCORED = "No model was scored, as a check had failed before."


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
        materials: What it is a condition of.
        judge: Decides, from a case alone.
    """

    name: str
    order: int
    question: str
    needs_scores: bool
    judge: Callable[[DealtCase], Finding] = field(repr=False)
    materials: tuple[Material, ...] = MATERIALS

    def check(self, case: DealtCase) -> PlanCheck:
        """Judge a case."""
        if self.needs_scores and case.unscored and case.measurements.natural is not None:
            return PlanCheck(name=self.name, question=self.question, status="not run", reason=NOT_SCORED)
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
    *,
    name: str,
    order: int,
    question: str,
    needs_scores: bool = False,
    materials: tuple[Material, ...] = MATERIALS,
) -> Callable[[Callable[[DealtCase], Finding]], Condition]:
    """Turn a function of the case into a Condition."""
    return lambda judge: Condition(name, order, question, needs_scores, judge, materials)


def conditions_of(material: Material) -> tuple[Condition, ...]:
    """The conditions of one material; those of another do not apply and are not shown."""
    return tuple(one for one in all_conditions() if material in one.materials)


def all_conditions() -> tuple[Condition, ...]:
    """Every condition, in the order of the output."""
    return tuple(sorted(discover(auditor.dealt.checks, Condition), key=lambda one: one.order))
