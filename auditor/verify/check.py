"""Check: one question about a stored result. One file a check; each is found by discovery, all run, all are shown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import auditor.verify.checks
from auditor.core.errors import AuditorError, UsageError, first_line
from auditor.core.registry import discover
from auditor.verify.differences import Difference, TreeComparison
from auditor.verify.subject import Subject, TooLongError

Status = Literal["passed", "failed", "not asked"]


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """What a check came to.

    Attributes:
        status: `not asked` where something is missing that only the user can give.
        said: What was compared, or why it was not, in a sentence.
        differences: Fields that are not what they should be.
    """

    status: Status
    said: str
    differences: tuple[Difference, ...] = ()


class UnreadableError(UsageError):
    """What the result is to be held against cannot be read."""


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Tell what goes wrong with what was given from what is wrong with the result.

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
        order: Where it stands in the output.
        ask: Looks at the subject; an `AuditorError` it raises is a failure with that reason, and None says that there
            is nothing to ask of such a subject.
    """

    name: str
    order: int
    ask: Callable[[Subject], CheckAnswer | None] = field(repr=False)

    def run(self, subject: Subject) -> CheckAnswer | None:
        """Ask.

        Raises:
            UnreadableError: What the result is to be held against cannot be read.
            TooLongError: Its figures take longer to make again than was allowed.
        """
        try:
            return self.ask(subject)
        except (UnreadableError, TooLongError):
            raise
        except AuditorError as problem:
            return CheckAnswer("failed", " ".join(str(problem).split()))
        except Exception as problem:
            # A file that was edited may hold anything, and none of it may keep the other checks from being asked.
            said = f"what the file holds cannot be computed with ({type(problem).__name__}: {first_line(problem)})"
            return CheckAnswer("failed", said)


def check(*, name: str, order: int) -> Callable[[Callable[[Subject], CheckAnswer | None]], Check]:
    """Turn a function of the subject into a Check."""
    return lambda ask: Check(name, order, ask)


def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the output."""
    return tuple(sorted(discover(auditor.verify.checks, Check), key=lambda one: one.order))


def verify(subject: Subject) -> dict[str, CheckAnswer]:
    """Ask every check; its answers by name, errors as `Check.run`."""
    answers = {one.name: one.run(subject) for one in all_checks()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def judged(found: TreeComparison, what: str) -> CheckAnswer:
    """The answer that a comparison of figures comes to.

    Args:
        found: The comparison.
        what: What was compared, as it follows a number.
    """
    if found.differences:
        said = f"{len(found.differences):,} of {found.leaves:,} fields are not what {what} give"
        return CheckAnswer("failed", said, found.differences)
    if found.close:
        return CheckAnswer(
            "passed",
            f"{found.figures:,} figures made again from {what}; {found.close:,} of them differ in the last bits, as "
            f"sums on another processor do, by at most {max(found.farthest, sys.float_info.epsilon):.1g} of their size",
        )
    return CheckAnswer("passed", f"{found.figures:,} figures made again from {what} are equal to the last bit")
