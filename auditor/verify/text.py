"""The output of a verification as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from auditor.audit.choices import nondefault_settings
from auditor.core.errors import reason_of
from auditor.core.text import shorten, visible
from auditor.report.choices import setting_sentences
from auditor.verify.check import CheckAnswer
from auditor.verify.differences import leaves
from auditor.verify.subject import Subject
from auditor.verify.unproven import CHOSEN, INVENTED, OF_A_BATCH, UNPROVEN

_INDEX = re.compile(r"\[\d+\]")
_MOST = 20
_MOST_KINDS, _LONGEST_PATH = 20_000, 1_000
_WIDTH = 120
_LONGEST = 60
_SETTINGS = "SETTINGS  "


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
    yield from _settings(subject)
    yield from answer_lines(answers)
    passed = {name for name, answer in answers.items() if answer.status == "passed"}
    yield from _open(subject, subject.available if "rescoring" in passed else subject.available - {"again"})
    failed = [name for name, answer in answers.items() if answer.status == "failed"]
    yield f"NOT VERIFIED: {', '.join(failed)}" if failed else f"VERIFIED{_under(subject)}: {_verified(subject)}"


def answer_lines(answers: Mapping[str, CheckAnswer]) -> Iterator[str]:
    """One line a check, then the fields that differ."""
    for name, answer in answers.items():
        yield f"{answer.status:<10}  {name:<13}  {visible(answer.detail)}"
    for name, answer in answers.items():
        for position, difference in enumerate(answer.differences):
            if position == _MOST:
                yield f"  ... and {len(answer.differences) - _MOST:,} more by {name}"
                break
            stored, again = _value(difference.stored), _value(difference.again)
            yield f"  {visible(difference.path)}: stored {stored}, should be {again}"


def _settings(subject: Subject) -> Iterator[str]:
    """The settings that are not the default, before anything else: thresholds alone can make a verdict."""
    try:
        chosen = nondefault_settings(subject.inputs.settings)
    except Exception:
        # What the file holds cannot be computed with, which is the failure of a check that says why.
        return
    for sentence in setting_sentences(chosen):
        yield _filled(_SETTINGS, sentence)
    if any(one.threshold for one in chosen):
        yield _filled(_SETTINGS, f"Under the default thresholds these measurements give {_by_default(subject)}.")


def _by_default(subject: Subject) -> str:
    try:
        default, stored = subject.under_defaults, subject.result.verdict
    except Exception as problem:
        return f"nothing that can be concluded ({reason_of(problem)})"
    same = (default.outcome, default.reason) == (stored.outcome, stored.reason)
    return "the same verdict" if same else f"{default.outcome} ({default.reason}) and not {stored.outcome}"


def _filled(label: str, text: str) -> str:
    return textwrap.fill(
        visible(text), _WIDTH, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False
    )


def _open(subject: Subject, available: Collection[str]) -> Iterator[str]:
    """What no check that ran can show."""
    yield "What this does not show:"
    of_a_batch = () if subject.result.multiplicity is None else (OF_A_BATCH,)
    for choice in (INVENTED, *CHOSEN, *of_a_batch):
        if choice.is_open(available):
            yield textwrap.fill(choice.reason, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    paths = _kinds(subject)
    yield "  - Nothing but the content digest, which anyone can compute again, covers:"
    for fields in UNPROVEN:
        if fields.is_open(available) and (paths is None or any(map(fields.covers, paths))):
            yield f"      {fields.reason}"


def _under(subject: Subject) -> str:
    lax = any(one.threshold for one in nondefault_settings(subject.inputs.settings))
    return " under thresholds that are not the default" if lax else ""


def _kinds(subject: Subject) -> set[str] | None:
    """The paths of the fields that have a value, one of each kind; None where they are too many or too long to compare.

    The configuration is left out: none of its fields is unproven, and it may hold anything.
    """
    paths: set[str] = set()
    tree = subject.result.model_dump(mode="json", exclude={"manifest": {"configuration"}})
    for path, value in leaves(tree):
        if value is not None:
            paths.add(_INDEX.sub("[0]", path))
            if len(paths) > _MOST_KINDS or len(path) > _LONGEST_PATH:
                return None
    return paths


def _verified(subject: Subject) -> str:
    """What the result is consistent with."""
    parts = ["consistent with itself"]
    parts += ["with the given documents"] if subject.data else []
    parts += ["with the given models"] if subject.models else []
    return " and ".join(parts) + (", which were scored again" if subject.rescoring else "")


def _value(value: Any) -> str:
    return visible(shorten(value if isinstance(value, str) else repr(value), _LONGEST))
