"""The output of a verification as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from auditor.core.text import shorten, visible
from auditor.verify.check import CheckAnswer
from auditor.verify.differences import leaves
from auditor.verify.subject import Subject
from auditor.verify.unproven import CHOSEN, INVENTED, UNPROVEN

_INDEX = re.compile(r"\[\d+\]")
_MOST = 20
_WIDTH = 120
_LONGEST = 60


def render_text(subject: Subject, answers: Mapping[str, CheckAnswer]) -> str:
    """One line a check, the fields that differ, what no check shows, and the answer.

    Args:
        subject: The verified result.
        answers: Answers by name of the check.
    """
    return "\n".join(_lines(subject, answers)) + "\n"


def is_verified(answers: Mapping[str, CheckAnswer]) -> bool:
    """Whether no check failed."""
    return all(answer.status != "failed" for answer in answers.values())


def _lines(subject: Subject, answers: Mapping[str, CheckAnswer]) -> Iterator[str]:
    for name, answer in answers.items():
        yield f"{answer.status:<10}  {name:<13}  {visible(answer.detail)}"
    for name, answer in answers.items():
        for position, difference in enumerate(answer.differences):
            if position == _MOST:
                yield f"  ... and {len(answer.differences) - _MOST:,} more by {name}"
                break
            stored, again = _value(difference.stored), _value(difference.again)
            yield f"  {visible(difference.path)}: stored {stored}, should be {again}"
    passed = {name for name, answer in answers.items() if answer.status == "passed"}
    yield from _open(subject, subject.given if "rescoring" in passed else subject.given - {"again"})
    failed = [name for name, answer in answers.items() if answer.status == "failed"]
    yield f"NOT VERIFIED: {', '.join(failed)}" if failed else f"VERIFIED: {_verified(subject)}"


def _open(subject: Subject, given: Collection[str]) -> Iterator[str]:
    """What no check that ran can show."""
    yield "What this does not show:"
    for choice in (INVENTED, *CHOSEN):
        if choice.is_open(given):
            yield textwrap.fill(choice.reason, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    paths = {
        _INDEX.sub("[0]", path) for path, value in leaves(subject.result.model_dump(mode="json")) if value is not None
    }
    yield "  - Nothing but the content digest, which anyone can compute again, covers:"
    for fields in UNPROVEN:
        if fields.is_open(given) and any(map(fields.covers, paths)):
            yield f"      {fields.reason}"


def _verified(subject: Subject) -> str:
    """What the result is consistent with."""
    parts = ["consistent with itself"]
    parts += ["with the given documents"] if subject.data else []
    parts += ["with the given models"] if subject.models else []
    return " and ".join(parts) + (", which were scored again" if subject.rescoring else "")


def _value(value: Any) -> str:
    return visible(shorten(value if isinstance(value, str) else repr(value), _LONGEST))
