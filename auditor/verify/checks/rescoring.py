"""Where asked, everything is scored again: the one check that invented features do not pass."""

from __future__ import annotations

from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.checks.data import data
from auditor.verify.checks.models import models
from auditor.verify.rescore import MOST, is_same, mismatches, rescore, settings_here
from auditor.verify.subject import Subject


@check(name="rescoring", order=100)
def rescoring(subject: Subject) -> CheckAnswer:
    """Carry the audit out on the given documents and models, and hold what is kept against what that keeps."""
    if not subject.anew:
        return CheckAnswer(
            "not asked", "give --again, with --data and --model for all the audit read, to score them again"
        )
    # What does not fit together is a failure of the result, not something that cannot be read.
    _ = subject.gathered
    with reading():
        settings = settings_here(subject)
    if "failed" in (answer.status for answer in (data.ask(subject), models.ask(subject)) if answer is not None):
        return CheckAnswer("failed", "not scored: the documents or the models are not those of the audit")
    with reading():
        found = rescore(settings)
    wrong = tuple(mismatches(subject.result, found))
    if wrong:
        then, now = (result.manifest.models[0].device for result in (subject.result, found))
        apart = "" if then == now else f" (scored on {now} now, on {then} by the audit)"
        return CheckAnswer("failed", f"these models do not say this of these texts{apart}", wrong)
    said = (
        "to the last bit"
        if is_same(subject.result, found)
        else f"within {MOST:g} of the largest of each column, as on another machine"
    )
    return CheckAnswer("passed", f"scored again, the documents give the kept figures {said}, and the same verdict")
