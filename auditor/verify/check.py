"""Check: one question about a stored result. One file a check; discovery collects them, all run, all are shown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import auditor.verify.checks
from auditor.core.errors import AuditorError, UsageError, reason_of
from auditor.core.registry import discover
from auditor.verify.differences import Difference, TreeComparison
from auditor.verify.limits import TooLongError
from auditor.verify.subject import Subject

Status = Literal["passed", "failed", "not asked"]


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The answer of a check.

    Attributes:
        status: `not asked` where only the user can give what the check needs.
        detail: What was compared, or why it was not, in a sentence.
        differences: Fields with another value than they should have.
    """

    status: Status
    detail: str
    differences: tuple[Difference, ...] = ()


class UnreadableError(UsageError):
    """A document set, a model or a batch that the result is compared with cannot be read."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Separate errors in what the user gives from faults of the result.

    Raises:
        UnreadableError: An `AuditorError` was raised within.
    """
    try:
        yield
    except AuditorError as problem:
        raise UnreadableError(problem.message, hint=problem.hint) from problem


@dataclass(frozen=True, slots=True)
class Check:
    """A named question.

    Attributes:
        name: One or two words.
        order: Position in the output.
        ask: Answers for a subject; an `AuditorError` it raises is a failure with that reason, and None means that the
            check does not apply.
    """

    name: str
    order: int
    ask: Callable[[Subject], CheckAnswer | None] = field(repr=False)

    def run(self, subject: Subject) -> CheckAnswer | None:
        """Answer for a subject.

        Raises:
            UnreadableError: What the result is compared with cannot be read.
            TooLongError: Its figures take longer to compute than is allowed.
        """
        try:
            return self.ask(subject)
        except (UnreadableError, TooLongError):
            raise
        except AuditorError as problem:
            return CheckAnswer("failed", " ".join(str(problem).split()))
        except Exception as problem:
            # An edited file may hold anything, and nothing in it may keep the other checks from running.
            detail = f"what the file holds cannot be computed with ({reason_of(problem, typed=True)})"
            return CheckAnswer("failed", detail)


def check(*, name: str, order: int) -> Callable[[Callable[[Subject], CheckAnswer | None]], Check]:
    """Turn a function of the subject into a Check."""
    return lambda ask: Check(name, order, ask)


def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the output."""
    return tuple(sorted(discover(auditor.verify.checks, Check), key=lambda check: check.order))


def verify(subject: Subject) -> dict[str, CheckAnswer]:
    """The answers of all checks by name; errors as of `Check.run`."""
    answers = {check.name: check.run(subject) for check in all_checks()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def answer_of(comparison: TreeComparison, source: str) -> CheckAnswer:
    """The answer that follows from a comparison of figures.

    Args:
        comparison: Stored against recomputed figures.
        source: What the figures were recomputed from.
    """
    if comparison.differences:
        detail = f"{len(comparison.differences):,} of {comparison.leaves:,} fields are not what {source} give"
        return CheckAnswer("failed", detail, comparison.differences)
    figures = f"{comparison.figures:,} figures recomputed from {source}"
    if comparison.close:
        largest = max(comparison.farthest, sys.float_info.epsilon)
        return CheckAnswer(
            "passed",
            f"{figures}; {comparison.close:,} of them differ in the last bits, as sums on another processor do, by at "
            f"most {largest:.1g} of their size",
        )
    return CheckAnswer("passed", f"{figures} are equal to the last bit")
