"""Guard: a reason to refuse. One file a guard; each is found by discovery, all run, all are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.results.guards import GuardFigure, GuardResult, Status

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

    Attributes:
        order: Where the guard stands in the report; the verdict quotes the first failed guard.
        level: How often it may fail on sound input, as the policy has it; 0 for a guard that draws no conclusion from
            chance, or that is only asked once the membership test rejects.
        examine: Looks at the case and returns a finding. It draws randomness only from the case's generators.
        reads_text_only: Whether it reads the texts alone and never what a model made of them.
    """

    name: str
    order: int
    question: str
    blind_spots: str
    examine: Callable[[GuardContext], GuardOutcome] = field(repr=False)
    level: Callable[[Policy], float] = field(repr=False)
    reads_text_only: bool = False

    def run(self, case: GuardContext) -> GuardResult:
        """Examine the case and label the finding."""
        found = self.examine(case)
        return GuardResult(
            name=self.name,
            question=self.question,
            blind_spots=self.blind_spots,
            status=found.status,
            reason=found.reason,
            remediation=found.remediation,
            figures=found.figures,
            auc=found.auc,
            auc_low=found.auc_low,
            auc_high=found.auc_high,
            p_value=found.p_value,
        )


def guard(
    *,
    name: str,
    order: int,
    question: str,
    blind_spots: str,
    level: Callable[[Policy], float] = lambda policy: 0.0,
    reads_text_only: bool = False,
) -> Callable[[Callable[[GuardContext], GuardOutcome]], Guard]:
    """Turn a function of the case into a Guard."""

    def decorate(examine: Callable[[GuardContext], GuardOutcome]) -> Guard:
        return Guard(name, order, question, blind_spots, examine, level, reads_text_only)

    return decorate
