"""Scores that another party made can be trusted as far as that party."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.results.dealt.checks import SEALED


@condition(name="blind", order=130, question="Were the scores made by whoever has the coins?", materials=("plan",))
def blind(case: DealtCase) -> Finding:
    """Say what scores of another party can and cannot show."""
    if not case.measurements.sealed_sha256:
        return Finding("passed", "Whoever opened the batch scored it too.")
    return Finding(
        "warning",
        "Another party scored the candidates without the coins. It has nothing to gain from EVIDENCE against itself, "
        "and it can hide what there is: by noise, or by looking up what was published. NO EVIDENCE says nothing "
        "against a party that wants to hide something. " + SEALED.format(case.measurements.sealed_sha256),
        "Score the candidates with a copy of the model of your own, or have the run witnessed.",
    )
