"""The corrected p-value must follow from those of the other audits of its batch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.inference.batch_correction import CorrectionEntry, correct, correction_entry
from auditor.results.batch import Written
from auditor.results.dealt.result import DealtResult
from auditor.results.io import parse_stored
from auditor.results.result import AuditResult
from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.differences import compare
from auditor.verify.limits import read_limited
from auditor.verify.open import read_batch_result
from auditor.verify.subject import Subject


@check(name="multiplicity", order=70)
def multiplicity(subject: Subject) -> CheckAnswer:
    """See `corrected_again`."""
    return corrected_again(subject)


def corrected_again(subject: Subject | DealtSubject) -> CheckAnswer:
    """Correct all audits of the batch again, also those that broke, with p-values from the figures of each result."""
    stored = subject.result.multiplicity
    if subject.batch is None:
        if stored is None:
            return CheckAnswer("not asked", "nothing in the file shows whether it was one of a batch")
        return CheckAnswer(
            "not asked",
            f"the correction for {stored.audits} audits was not checked: no batch.json with all its results lies "
            "above; give --batch PATH",
        )
    batch, folder = read_batch_result(subject.batch), subject.batch.parent
    digest = hashlib.sha256(subject.raw).hexdigest()
    findings = [outcome.finding for outcome in batch.audits if outcome.finding is not None]
    digests = [finding.result_sha256 for finding in findings]
    if digest not in digests:
        return CheckAnswer("failed", f"{subject.batch} names no result with the digest of this file ({digest[:16]})")
    position = digests.index(digest)
    # A file that a batch names many times is read once.
    read: dict[tuple[str, str], CorrectionEntry] = {}
    for finding in findings:
        named = (finding.result, finding.result_sha256)
        if named not in read:
            read[named] = correction_entry(_result(folder, finding))
    entries = [read[finding.result, finding.result_sha256] for finding in findings]
    broken = len(batch.audits) - len(findings)
    again = correct(entries, batch.correction, broken=broken)[position]
    trees = (None if entry is None else entry.model_dump(mode="json") for entry in (stored, again))
    comparison = compare(*trees, at="multiplicity")
    if comparison.differences:
        return CheckAnswer("failed", f"not the correction of {subject.batch}", comparison.differences)
    also_broken = f" and the {broken} that broke" if broken else ""
    return CheckAnswer(
        "passed", f"follows from the {len(entries)} results{also_broken} that {subject.batch} names, as they are there"
    )


def _result(folder: Path, finding: Written) -> AuditResult | DealtResult:
    """A result of the batch, which must be in its folder and have the digest that the batch names."""
    path = (folder / finding.result).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UsageError(f"the batch names a result outside its folder: {finding.result!r}")
    with reading():
        written = read_limited(path, long=False)
    if hashlib.sha256(written).hexdigest() != finding.result_sha256:
        raise UsageError(f"{path} is not the result that the batch was made from")
    return parse_stored(written, path)
