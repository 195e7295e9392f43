"""OrderCheck: a reason why the order of a file says nothing about training. One file a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import auditor.dealt.order_checks
from auditor.core.registry import discover
from auditor.core.seeds import stream
from auditor.dealt.order_checks.table import OrderTable
from auditor.results.guards import GuardFigure, GuardResult


@dataclass(frozen=True, slots=True)
class OrderFinding:
    """What a check finds.

    Attributes:
        reason: The finding, in one plain sentence.
        refused: Whether the file cannot be tested.
        p_value: Of the check where it has one.
        figures: Other numbers behind the decision.
    """

    reason: str
    refused: bool
    p_value: float | None = None
    figures: tuple[GuardFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """A named check of a file whose order is to be tested.

    Attributes:
        name: Short name, in kebab case.
        order: Position in the report; a refusal quotes the first that refuses.
        question: What it asks, one sentence; yes is the sound answer.
        blind_spots: What it cannot detect.
        remediation: What to do about a refusal.
        examine: Judges a table; it draws from the generator alone.
        level: Probability of a refusal where the order of rows was dealt by coins; 0 for a rule without chance.
    """

    name: str
    order: int
    question: str
    blind_spots: str
    remediation: str
    examine: Callable[[OrderTable, np.random.Generator], OrderFinding] = field(repr=False)
    level: float = 0.0

    def run(self, table: OrderTable, rng: np.random.Generator) -> GuardResult:
        """Examine a table and label the finding."""
        finding = self.examine(table, rng)
        return GuardResult(
            name=self.name,
            question=self.question,
            status="failed" if finding.refused else "passed",
            reason=finding.reason,
            remediation=self.remediation if finding.refused else "",
            blind_spots=self.blind_spots,
            figures=finding.figures,
            p_value=finding.p_value,
        )


Examination = Callable[[OrderTable, np.random.Generator], OrderFinding]


def order_check(
    *, name: str, order: int, question: str, blind_spots: str, remediation: str, level: float = 0.0
) -> Callable[[Examination], OrderCheck]:
    """Turn a function of a table and a generator into an OrderCheck."""
    return lambda examine: OrderCheck(name, order, question, blind_spots, remediation, examine, level)


def all_order_checks() -> tuple[OrderCheck, ...]:
    """The checks of this package by their order."""
    return tuple(sorted(discover(auditor.dealt.order_checks, OrderCheck), key=lambda check: check.order))


def run_order_checks(table: OrderTable, *, seed: int) -> tuple[GuardResult, ...]:
    """Every check, each with a stream of its own. A file with one that failed is not tested.

    Null of those with a level: every order of the rows was as likely. Unit: the row. A file whose order was dealt by
    coins is refused with a probability of at most the sum of their levels, 0.045.
    """
    return tuple(check.run(table, stream(seed, f"order check {check.name}")) for check in all_order_checks())
