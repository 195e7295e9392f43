"""What a verification came to, for a screen."""

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

_PLACE = re.compile(r"\[\d+\]")
_MOST = 20
_WIDTH = 120
_LONGEST = 60


def told(subject: Subject, answers: Mapping[str, CheckAnswer]) -> str:
    """One line a check, then the fields that differ, then what none of the checks shows, then the answer.

    Args:
        subject: What was verified.
        answers: By the name of the check.
    """
    return "\n".join(_lines(subject, answers)) + "\n"


def is_verified(answers: Mapping[str, CheckAnswer]) -> bool:
    """Whether no check failed."""
    return all(answer.status != "failed" for answer in answers.values())


def _lines(subject: Subject, answers: Mapping[str, CheckAnswer]) -> Iterator[str]:
    for name, answer in answers.items():
        yield f"{answer.status:<10}  {name:<13}  {visible(answer.said)}"
    for name, answer in answers.items():
        for place, one in enumerate(answer.differences):
            if place == _MOST:
                yield f"  ... and {len(answer.differences) - _MOST:,} more by {name}"
                break
            yield f"  {visible(one.path)}: stored {_value(one.stored)}, should be {_value(one.again)}"
    passed = {name for name, answer in answers.items() if answer.status == "passed"}
    yield from _open(subject, subject.given if "rescoring" in passed else subject.given - {"again"})
    failed = [name for name, answer in answers.items() if answer.status == "failed"]
    yield f"NOT VERIFIED: {', '.join(failed)}" if failed else f"VERIFIED: {_verified(subject)}"


def _open(subject: Subject, given: Collection[str]) -> Iterator[str]:
    """What no check that was asked can show."""
    yield "What this does not show:"
    for one in (INVENTED, *CHOSEN):
        if one.is_open(given):
            yield textwrap.fill(one.why, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    paths = {
        _PLACE.sub("[0]", path) for path, value in leaves(subject.result.model_dump(mode="json")) if value is not None
    }
    yield "  - Nothing but the seal, which anyone can make anew, vouches for:"
    for fields in UNPROVEN:
        if fields.is_open(given) and any(map(fields.covers, paths)):
            yield f"      {fields.why}"


def _verified(subject: Subject) -> str:
    """With what a result was found consistent."""
    found = ["consistent with itself"]
    found += ["with the given documents"] if subject.data else []
    found += ["with the given models"] if subject.models else []
    return " and ".join(found) + (", which were scored again" if subject.anew else "")


def _value(value: Any) -> str:
    return visible(shorten(value if isinstance(value, str) else repr(value), _LONGEST))
