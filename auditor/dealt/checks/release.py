"""The deal must be older than the model."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(name="release", order=30, question="Were commitment and coins there before the model?", materials=("plan",))
def release(case: DealtCase) -> Finding:
    """Compare the time stamp and the beacon with the day of the release."""
    known = [moment for moment in (case.stamped, case.beacon_time) if moment is not None]
    if case.released is None:
        return Finding(
            "warning",
            "The day on which the model was released is not given, so nothing here compares the deal with it.",
            "Give --released YYYY-MM-DD; the end of the training data is better still where it is known.",
        )
    if not known:
        return Finding(
            "warning",
            f"Nothing but the owner's word shows that the deal is older than the model of {case.released}.",
            "Time-stamp the next plan before it is published.",
        )
    latest = max(known)
    if latest.date() >= case.released:
        return Finding(
            "failed",
            f"The deal is of {latest:%Y-%m-%d}, and the model was released on {case.released}: a model cannot depend "
            "on coins that were made after it, so whatever is found has another cause.",
            "Test a model that was trained after the deal.",
        )
    return Finding("passed", f"The deal is of {latest:%Y-%m-%d}, before the model of {case.released}.")
