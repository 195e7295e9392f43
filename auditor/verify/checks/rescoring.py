"""With `--again` everything is scored again: the one check that invented features do not pass."""

from __future__ import annotations

from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.checks.data import data
from auditor.verify.checks.models import models
from auditor.verify.rescore import MOST, is_same, mismatches, rescore, settings_here
from auditor.verify.subject import Subject


@check(name="rescoring", order=100)
def rescoring(subject: Subject) -> CheckAnswer:
    """Run the audit on the given documents and models, and compare the measurements."""
    if not subject.rescoring:
        return CheckAnswer(
            "not asked", "give --again, with --data and --model for all the audit read, to score them again"
        )
    # Inputs that contradict each other are a failure of the result, not of what the user gives.
    _ = subject.inputs
    with reading():
        settings = settings_here(subject)
    if "failed" in (answer.status for answer in (data.ask(subject), models.ask(subject)) if answer is not None):
        return CheckAnswer("failed", "not scored: the documents or the models are not those of the audit")
    with reading():
        rescored = rescore(settings, subject.result.manifest.chat)
    wrong = tuple(mismatches(subject.result, rescored))
    if wrong:
        then, now = (result.manifest.models[0].device for result in (subject.result, rescored))
        apart = "" if then == now else f" (scored on {now} now, on {then} by the audit)"
        return CheckAnswer("failed", f"these models do not say this of these texts{apart}", wrong)
    precision = (
        "to the last bit"
        if is_same(subject.result, rescored)
        else f"within {MOST:g} of the largest of each column, as on another machine"
    )
    return CheckAnswer(
        "passed", f"scored again, the documents reproduce the stored measurements {precision}, and the same verdict"
    )
