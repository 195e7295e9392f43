"""The questions about the stored result of a test: each recomputes something, and says where it differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auditor.core.digests import canonical_sha256
from auditor.core.errors import AuditorError, reason_of
from auditor.core.version import VERSION
from auditor.dealt.blind import check_scores, parse_scores
from auditor.dealt.measure import measure_dealt
from auditor.dealt.multiplicity import verdict_in_batch
from auditor.dealt.open import OpenedBatch, iso
from auditor.dealt.verdict import decide_dealt
from auditor.provenance.beacon import BeaconValue, check_signature, require_round, round_time
from auditor.provenance.commitment import canonical, commitment_sha256
from auditor.provenance.records import Commitment
from auditor.provenance.stamp import reads_stamps
from auditor.report.dealt.words import stamp_checked
from auditor.results.io import content_digest
from auditor.verify.bundle.contents import MANIFEST, RESULT, digests, read_manifest
from auditor.verify.bundle.dealt import OPENING, REPORT, SCORES, dealt_report
from auditor.verify.check import CheckAnswer, answer_of
from auditor.verify.checks.command import compare_settings
from auditor.verify.checks.multiplicity import corrected_again
from auditor.verify.checks.schema import name_twice
from auditor.verify.dealt.subject import PUBLIC, DealtSubject
from auditor.verify.differences import Difference, compare
from auditor.verify.limits import TooLongError

_INSTALL = "pip install 'llm-auditor[plant]'"
_OTHER_PUBLIC = "time stamp or publication are not those of the plan"

Ask = Callable[[DealtSubject], CheckAnswer | None]


def _schema(subject: DealtSubject) -> CheckAnswer:
    twice = name_twice(subject.raw)
    if twice is not None:
        return CheckAnswer("failed", f"the name {twice!r} is twice in one object")
    writer = subject.result.manifest.auditor_version
    other = "" if writer == VERSION else f"; this is auditor {VERSION}, so figures may differ"
    return CheckAnswer(
        "passed", f"a whole result of a test, schema {subject.result.schema_version}, by {writer}{other}"
    )


def _bundle(subject: DealtSubject) -> CheckAnswer | None:
    files = subject.bundle
    if not files:
        return None
    manifest = read_manifest(files[MANIFEST])
    actual = digests({name: data for name, data in files.items() if name != MANIFEST})
    wrong = [
        Difference(name, manifest.files.get(name), actual.get(name))
        for name in dict.fromkeys((*manifest.files, *actual))
        if manifest.files.get(name) != actual.get(name)
    ]
    known = {RESULT, REPORT, MANIFEST, OPENING, SCORES, *PUBLIC}
    wrong += [Difference(name, "a file", "none") for name in files if name not in known]
    if wrong:
        return CheckAnswer("failed", "its files are not those of the manifest", tuple(wrong))
    if files.get(REPORT) != dealt_report(subject.result):
        here, there = (VERSION, version("matplotlib")), (manifest.auditor_version, manifest.matplotlib_version)
        other = "" if here == there else f", which is by auditor {there[0]}, and this is {here[0]}"
        return CheckAnswer("failed", f"the report is not that of the result{other}")
    return CheckAnswer("passed", f"{len(files)} files; the report is that of the result")


def _digest(subject: DealtSubject) -> CheckAnswer:
    stored, again = subject.result.content_sha256, content_digest(subject.result)
    if stored == again:
        return CheckAnswer("passed", f"{again[:16]} over every field")
    return CheckAnswer(
        "failed", "a field was changed after the result was written", (Difference("content_sha256", stored, again),)
    )


def _configuration(subject: DealtSubject) -> CheckAnswer:
    manifest = subject.result.manifest
    again = canonical_sha256(manifest.configuration)
    if again == manifest.configuration_sha256:
        return CheckAnswer("passed", f"{again[:16]} over every setting and threshold")
    wrong = Difference("manifest.configuration_sha256", manifest.configuration_sha256, again)
    return CheckAnswer("failed", "a setting was changed", (wrong,))


def _command(subject: DealtSubject) -> CheckAnswer | None:
    if subject.reader is None:
        return None
    return compare_settings(subject, subject.reader, subject.reader.read(subject.result.manifest.command))


def _commitment(subject: DealtSubject) -> CheckAnswer | None:
    if subject.role:
        return None
    commitment = Commitment.model_validate(subject.result.commitment)
    public = subject.public
    if public is None:
        return CheckAnswer(
            "passed",
            f"SHA-256 {commitment_sha256(commitment)[:16]}: compare it with what was published and time-stamped "
            "(--plan PLAN compares it)",
        )
    if public.written != canonical(commitment):
        wrong = compare(commitment.model_dump(mode="json"), public.commitment.model_dump(mode="json"), at="commitment")
        return CheckAnswer("failed", "it is not the commitment of the plan", wrong.differences)
    return CheckAnswer("passed", f"that of the plan, SHA-256 {commitment_sha256(commitment)[:16]}")


def _beacon(subject: DealtSubject) -> CheckAnswer | None:
    """The round of public randomness proves itself: its signature is the network's."""
    if subject.role:
        return None
    stored, committed = subject.result.measurements.coins.beacon, Commitment.model_validate(subject.result.commitment)
    if stored is None or committed.beacon is None:
        if stored is None and committed.beacon is None:
            return CheckAnswer("passed", "none was committed to and none was used: the coins are the owner's alone")
        return CheckAnswer("failed", "the commitment names a beacon and the result has none, or the other way round")
    value = BeaconValue(round=stored.round, randomness=stored.randomness, signature=stored.signature)
    require_round(value, committed.beacon)
    if stored.time != iso(round_time(stored.round)):
        wrong = Difference("measurements.coins.beacon.time", stored.time, iso(round_time(stored.round)))
        return CheckAnswer("failed", "the round is of another time", (wrong,))
    if check_signature(value) != "verified":
        return CheckAnswer("not asked", f"install drand-verify ({_INSTALL}) to check the signature")
    return CheckAnswer("passed", f"round {stored.round:,}: its signature is that of the network")


def _stamp(subject: DealtSubject) -> CheckAnswer | None:
    stored, public = subject.result.measurements.coins, subject.public
    if public is None:
        if stored.stamp is None and not stored.address:
            return None
        return CheckAnswer("not asked", "give --plan PLAN, or a bundle, to check time stamp and publication again")
    bare = compare(
        {"address": stored.address, "stamp": stored.stamp is not None},
        {"address": public.address, "stamp": public.stamp is not None},
        at="measurements.coins",
    )
    if bare.differences:
        return CheckAnswer("failed", _OTHER_PUBLIC, bare.differences)
    if public.stamp is not None and not reads_stamps():
        return CheckAnswer(
            "not asked", f"not verified here: install rfc3161-client ({_INSTALL}) to check the time stamp"
        )
    again = public.facts()
    ours, theirs = (one.model_dump(mode="json", exclude={"beacon"}) for one in (stored, again))
    comparison = compare(ours, theirs, at="measurements.coins")
    if comparison.differences:
        return CheckAnswer("failed", _OTHER_PUBLIC, comparison.differences)
    if again.stamp is None:
        return CheckAnswer("passed", "none, as recorded")
    return CheckAnswer("passed", f"{again.stamp.time} by {again.stamp.authority}, {stamp_checked(again.stamp)}")


def _derived(subject: DealtSubject) -> CheckAnswer | None:
    """Derive units, rivals and checks of a test without a plan from its files and the seed."""
    if not subject.role:
        return None
    again, stored = subject.natural, subject.result.measurements
    if again is None or stored.natural is None:
        return CheckAnswer("not asked", f"give --data {subject.role}=PATH to read the files again and judge them")
    trees = [
        {
            "units": [unit.model_dump(mode="json") for unit in units],
            "unit_order": list(order),
            "natural": facts.model_dump(mode="json"),
        }
        for units, order, facts in (
            (stored.units, stored.unit_order, stored.natural),
            (again.opened.facts, again.opened.unit_order, again.facts),
        )
    ]
    record = again.opened.commitment.model_dump(mode="json", exclude={"made_by"})
    shown = {name: value for name, value in subject.result.commitment.items() if name != "made_by"}
    wrong = [
        *compare(*trees, at="measurements").differences,
        *compare(shown, record, at="commitment").differences,
        *_other_texts(subject, again.opened),
    ]
    if wrong:
        return CheckAnswer("failed", "files, checks or units are not those of the result", tuple(wrong))
    return CheckAnswer(
        "passed", f"{len(again.opened.units):,} units, their rivals and {len(again.facts.checks)} checks derived again"
    )


def _other_texts(subject: DealtSubject, opened: OpenedBatch) -> Iterator[Difference]:
    for index, (unit, shown) in enumerate(zip(opened.units, subject.result.units, strict=False)):
        if shown.candidates is not None and shown.candidates != unit.candidates:
            yield Difference(f"units[{index}].candidates", "other texts", "those of the batch")


def _opening(subject: DealtSubject) -> CheckAnswer | None:
    if subject.role:
        return None
    if "opening" not in subject.available:
        return CheckAnswer(
            "not asked",
            "give --plan PLAN, or a bundle made with --reveal, to derive key, coins and ties again",
        )
    opened = subject.opened
    if opened is None:
        return CheckAnswer("failed", "the bundle opens a batch and holds no commitment")
    measured = subject.result.measurements
    stored = {
        "units": [unit.model_dump(mode="json") for unit in measured.units],
        "unit_order": list(measured.unit_order),
    }
    again = {"units": [unit.model_dump(mode="json") for unit in opened.facts], "unit_order": list(opened.unit_order)}
    wrong = list(compare(stored, again, at="measurements").differences)
    wrong += _other_texts(subject, opened)
    if wrong:
        return CheckAnswer("failed", "units, coins or ties are not those of the opened batch", tuple(wrong))
    return CheckAnswer(
        "passed",
        f"key, root, {len(opened.units):,} coins and the order of ties of batch {opened.batch.id} derived again",
    )


def _sealed(subject: DealtSubject) -> CheckAnswer | None:
    """Bring the sealed scores into the order of the units again."""
    measured = subject.result.measurements
    if not measured.sealed_sha256:
        return None
    if SCORES not in subject.bundle or subject.opened is None:
        return CheckAnswer("not asked", "give a bundle made with --reveal, which holds the sealed scores")
    scores = check_scores(parse_scores(subject.bundle[SCORES], Path(SCORES)), subject.opened, Path(SCORES))
    again = measure_dealt(
        subject.opened, scores, other_models=measured.other_models, copy_found=measured.copy_found, sealed=True
    )
    # The coins have questions of their own, which know what is not installed here.
    trees = (one.model_dump(mode="json", exclude={"coins"}) for one in (measured, again))
    comparison = compare(*trees, at="measurements")
    if comparison.differences:
        return CheckAnswer("failed", "the measurements are not those of the sealed scores", comparison.differences)
    return CheckAnswer("passed", f"the scores are those that were sealed as {measured.sealed_sha256[:16]}")


def _figures(subject: DealtSubject) -> CheckAnswer:
    stored, again = _tree(subject.result), _tree(subject.recomputed)
    return answer_of(compare(stored, again), "the stored measurements")


def _tree(result: Any) -> dict[str, Any]:
    tree: dict[str, Any] = result.model_dump(mode="json", exclude={"content_sha256", "measurements"})
    return tree


def _verdict(subject: DealtSubject) -> CheckAnswer:
    from auditor.dealt.conclude import bare_case

    result, inputs = subject.result, subject.inputs
    case = replace(
        bare_case(inputs.settings, inputs.commitment, inputs.measurements),
        level=result.level,
        target=result.target,
        controls=result.controls,
    )
    again = decide_dealt(case, result.checks, result.p_value, result.p_paid, result.detectable_auc)
    if result.multiplicity is not None:
        again = verdict_in_batch(again, result.multiplicity, result.level)
    comparison = compare(result.verdict.model_dump(mode="json"), again.model_dump(mode="json"), at="verdict")
    if comparison.differences:
        return CheckAnswer("failed", "it does not follow from the stored figures and checks", comparison.differences)
    return CheckAnswer("passed", f"{result.verdict.headline} ({result.verdict.reason}) follows from figures and checks")


def _multiplicity(subject: DealtSubject) -> CheckAnswer | None:
    alone = subject.batch is None and subject.result.multiplicity is None
    return None if alone else corrected_again(subject)


def _rescoring(subject: DealtSubject) -> CheckAnswer:
    if not subject.rescoring:
        return CheckAnswer(
            "not asked", "give --plan or --data, --model for every model and --again to score everything again"
        )
    from auditor.verify.dealt.rescoring import score_again

    return score_again(subject)


QUESTIONS: dict[str, Ask] = {
    "schema": _schema,
    "bundle": _bundle,
    "digest": _digest,
    "configuration": _configuration,
    "command": _command,
    "commitment": _commitment,
    "beacon": _beacon,
    "stamp": _stamp,
    "opening": _opening,
    "derived": _derived,
    "sealed": _sealed,
    "figures": _figures,
    "verdict": _verdict,
    "multiplicity": _multiplicity,
    "rescoring": _rescoring,
}
"""Every question by name, in the order of the output."""


def verify_dealt(subject: DealtSubject) -> dict[str, CheckAnswer]:
    """The answers to all questions that apply.

    Raises:
        TooLongError: Its figures take longer to compute than is allowed.
    """
    answers: dict[str, CheckAnswer] = {}
    for name, ask in QUESTIONS.items():
        answer = _asked(ask, subject)
        if answer is not None:
            answers[name] = answer
    return answers


def _asked(ask: Ask, subject: DealtSubject) -> CheckAnswer | None:
    try:
        return ask(subject)
    except TooLongError:
        raise
    except AuditorError as problem:
        return CheckAnswer("failed", " ".join(str(problem).split()))
    except Exception as problem:
        # An edited file may hold anything, and nothing in it may keep the other questions from being asked.
        return CheckAnswer("failed", f"what the file holds cannot be computed with ({reason_of(problem, typed=True)})")
