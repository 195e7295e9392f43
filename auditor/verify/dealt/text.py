"""The output of the verification of a test as text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from auditor.core.marks import Unverifiable, unverifiable_fields
from auditor.core.text import visible
from auditor.report.choices import setting_sentences
from auditor.results.dealt.result import DealtResult
from auditor.verify.check import CheckAnswer
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.differences import leaves
from auditor.verify.text import answer_lines
from auditor.verify.unproven import OF_A_BATCH

_WIDTH = 120
_INDEX = re.compile(r"\[\d+\]")

INVENTED = Unverifiable(
    "No check here shows that the stored scores, tokens, features and probes are what these models say of these "
    "candidates: whoever invents them "
    "can make every figure, the verdict and the digest fit. Only scoring again shows it: --again with --plan "
    "or --data, and --model, or the test run once more by the command in manifest.command.",
    frozenset({"again"}),
)
CHOSEN = (
    Unverifiable(
        "Nothing shows how many batches, models or references were tried and left out, or that the model is the one "
        "that it is called."
    ),
    Unverifiable(
        "Whether the authority of a time stamp is one to trust, and whether the commitment was public where the owner "
        "says, is for the reader to judge: the root certificate came with the plan."
    ),
    Unverifiable(
        "That the published copy was published as it was dealt, and when, is for the reader to look up: the commitment "
        "shows what the coins chose."
    ),
)

_SEALED = Unverifiable(
    "That sealed scores are those of the provider only the digest shows that he published before the coins were "
    "opened: "
    "whoever has the coins and the file can seal anew."
)
_UNSIGNED = "the randomness of the beacon, whose signature was not checked here (install drand-verify)"

_CHOSEN_FILES = (
    Unverifiable(
        "Nothing shows how many files, seeds, models or references were tried and left out, or that the model is the "
        "one that it is called."
    ),
    Unverifiable(
        "Nothing was committed to before publication: that the files are as they were published is not shown."
    ),
)

_OF_PLANS = ("measurements.other_models", "measurements.coins.stamp", "measurements.coins.address")
"""Fields that are empty where there was no plan."""


def render_dealt_text(subject: DealtSubject, answers: Mapping[str, CheckAnswer]) -> str:
    """One line a question, the fields that differ, what nothing here shows, and the answer."""
    return "\n".join(_lines(subject, answers)) + "\n"


def _lines(subject: DealtSubject, answers: Mapping[str, CheckAnswer]) -> Iterator[str]:
    for sentence in setting_sentences(subject.result.manifest.nondefault_settings):
        yield textwrap.fill(visible(f"SETTINGS  {sentence}"), _WIDTH, subsequent_indent=" " * 10)
    yield from answer_lines(answers)
    yield "What this does not show:"
    scored = answers.get("rescoring")
    of_a_batch = () if subject.result.multiplicity is None else (OF_A_BATCH,)
    proven = {"again": scored, "public": answers.get("stamp")}
    available = subject.available - {name for name, answer in proven.items() if not _passed(answer)}
    sealed = (_SEALED,) if subject.result.measurements.sealed_sha256 else ()
    for mark in (INVENTED, *(_CHOSEN_FILES if subject.role else CHOSEN), *sealed, *of_a_batch):
        if mark.is_open(available):
            yield textwrap.fill(mark.reason, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    yield "  - Nothing but the content digest, which anyone can compute again, covers:"
    for reason in unproven_reasons(subject, available):
        yield f"      {reason}"
    beacon = answers.get("beacon")
    if beacon is not None and not _passed(beacon):
        yield f"      {_UNSIGNED}"
    failed = [name for name, answer in answers.items() if answer.status == "failed"]
    opened = (
        f" and with {'its files' if subject.role else 'the opened batch'}" if "opening" in subject.available else ""
    )
    yield f"NOT VERIFIED: {', '.join(failed)}" if failed else f"VERIFIED: consistent with itself{opened}"


def _passed(answer: CheckAnswer | None) -> bool:
    return answer is not None and answer.status == "passed"


def unproven_reasons(subject: DealtSubject, available: Collection[str]) -> list[str]:
    """What of the result anybody could have changed, as far as what is given shows; fields without a value are none."""
    tree = subject.result.model_dump(mode="json", exclude={"manifest": {"configuration"}, "commitment": True})
    paths = {_INDEX.sub("[0]", path) for path, value in leaves(tree) if value is not None}
    reasons: dict[str, None] = {}
    for path, mark in unverifiable_fields(DealtResult):
        whole = replace(mark, parts=tuple(path + part for part in mark.parts))
        if subject.role and path in _OF_PLANS:
            continue
        if mark.is_open(available) and any(map(whole.covers, paths)):
            reasons[mark.reason] = None
    return list(reasons)
