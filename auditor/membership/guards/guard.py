"""Guard: a reason to refuse a comparison. One file a guard; discovery collects them, all run, all are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import auditor.membership.guards
from auditor.core.registry import discover
from auditor.results.guards import GuardFigure, GuardResult, Status
from auditor.results.policy import Policy

if TYPE_CHECKING:
    from auditor.membership.guards.case import GuardContext
    from auditor.results.policy import Policy


@dataclass(frozen=True, slots=True)
class GuardOutcome:
    """What a guard's function returns; the name, question and blind spots are added from the Guard."""

    status: Status
    reason: str
    remediation: str = ""
    figures: tuple[GuardFigure, ...] = ()
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A named check of the soundness of the comparison.

    What is special about a guard is an attribute here; no other code names one.

    Attributes:
        name: Short name, in kebab case.
        order: Position in the report; the verdict quotes the first failed guard.
        question: What the guard asks, one sentence.
        blind_spots: What it cannot detect.
        examine: Judges a case; it draws randomness only from the case's generators.
        level: Probability of a failure on sound input, by the policy; 0 for a guard that draws no conclusion from
            chance, or that has `only_after_rejection`.
        reads_text_only: It reads the texts and never what a model makes of them, so one result holds for every model.
        only_after_rejection: It judges a rejection of the membership test and answers `not run` where
            `case.rejected` is false; it refuses no state of a checkpoint that rests on nothing being detected.
        needs_reference: It judges reference models. A series compares its own checkpoints and leaves it out.
        needs_working_model: It asks the model to make sense of text, which a collapsed checkpoint cannot; it refuses no
            state of one.
        exact_p: Its p-values and limits are choices or ratios of whole numbers, equal to the last bit on every
            processor; false where a formula gives them.
    """

    name: str
    order: int
    question: str
    blind_spots: str
    examine: Callable[[GuardContext], GuardOutcome] = field(repr=False)
    level: Callable[[Policy], float] = field(repr=False)
    reads_text_only: bool = False
    only_after_rejection: bool = False
    needs_reference: bool = False
    needs_working_model: bool = False
    exact_p: bool = True

    def run(self, case: GuardContext) -> GuardResult:
        """Examine the case and label the outcome."""
        outcome = self.examine(case)
        fields_of_outcome = {part.name: getattr(outcome, part.name) for part in fields(outcome)}
        return GuardResult(name=self.name, question=self.question, blind_spots=self.blind_spots, **fields_of_outcome)


def guard(
    *,
    name: str,
    order: int,
    question: str,
    blind_spots: str,
    level: Callable[[Policy], float] = lambda policy: 0.0,
    **attributes: bool,
) -> Callable[[Callable[[GuardContext], GuardOutcome]], Guard]:
    """Turn a function of the case into a Guard; `attributes` are the booleans of `Guard`."""
    return lambda examine: Guard(name, order, question, blind_spots, examine, level, **attributes)


def all_guards() -> tuple[Guard, ...]:
    """The guards of this package by their order."""
    return tuple(sorted(discover(auditor.membership.guards, Guard), key=lambda guard: guard.order))


def guards_where(condition: Callable[[Guard], bool]) -> frozenset[str]:
    """Names of the guards that meet a condition on their attributes."""
    return frozenset(guard.name for guard in all_guards() if condition(guard))


def guard_alphas(policy: Policy) -> dict[str, float]:
    """Level by guard, for those that may fail by chance on sound input; the sum bounds the rate of false alarms."""
    return {guard.name: guard.level(policy) for guard in all_guards() if guard.level(policy) > 0}
