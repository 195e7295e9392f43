"""A reference newer than the deal may know what was published, or what was withheld."""

from __future__ import annotations

from datetime import date

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(
    name="reference-date", order=110, question="Is the reference older than the published text?", materials=("plan",)
)
def reference_date(case: DealtCase) -> Finding:
    """Compare the day of the newest reference with the deal."""
    given = case.settings.reference_released
    known = [moment for moment in (case.beacon_time, case.stamped) if moment is not None]
    if not case.references and not case.settings.references:
        return Finding("not run", "There is no reference.")
    if given is None or not known:
        return Finding(
            "warning",
            "Nothing shows that the reference is older than the published text. It must know neither side: one that "
            "saw what was published costs power, and one that knows what was withheld convicts any model.",
            "Give --reference-released YYYY-MM-DD; it can be compared with a time stamp or a beacon alone.",
        )
    if date.fromisoformat(given) > max(known).date():
        return Finding(
            "warning",
            f"The reference of {given} is newer than the deal of {max(known):%Y-%m-%d} and may have seen the published "
            "text, which costs power, or know what was withheld, which convicts any model.",
            "Name an older reference.",
        )
    return Finding("passed", f"The reference of {given} is older than the deal of {max(known):%Y-%m-%d}.")
