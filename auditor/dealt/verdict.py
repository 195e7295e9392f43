"""From the test and its checks to one of three words. Nothing else decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from auditor.core.text import amount, lower_first
from auditor.dealt.case import DealtCase
from auditor.dealt.checks.structure import STRUCTURE
from auditor.dealt.settings import Material
from auditor.results.dealt.checks import PlanCheck
from auditor.results.outcome import Grade
from auditor.results.result import Verdict

_EXACT = (
    "The p-value is exact because coins from public randomness, which came after the time stamp, decided what was "
    "published; it needs no likeness of documents."
)
_STAMPED = (
    "The p-value is exact if the owner did not choose the coins, and what it pays covers as many choices as it says; "
    "it "
    "needs no likeness of documents."
)
_OWNER = (
    "The p-value is exact if, as the owner says, coins decided what was published before the model was made; nothing "
    "but the owner's word shows that."
)
_DESCRIPTIVE = "Descriptive only: a condition of the test failed, so the p-value does not speak about the model."
_MEANS = (
    "It means that the model's behaviour depends on what was published. It does not say who collected the text, under "
    "which licence, whether it came from this publication directly or through another model or a copy, or whether it "
    "was trained on rather than retrieved."
)
_SHUFFLED = (
    "The p-value is exact if, as the publisher is said to have done, the rows were shuffled; nothing shows that they "
    "were, beyond the checks of order."
)
_LAW = (
    "The p-value is exact because the law of the identifiers is known: whatever made them draws every value alike, and "
    "decoys are drawn from the same law. It needs no likeness of documents."
)
_MEANINGS: dict[Material, str] = {
    "plan": _MEANS,
    "order": "It means that the model has seen these rows in this order, if the rows were shuffled before publication. "
    "It does not say where the model has them from, or whether this file or a copy was read.",
    "identifiers": "It means that the model has seen these identifiers, and not that it has them from these documents: "
    "whatever else they stand in may be where it read them.",
}
_DEPENDS: dict[Material, str] = {
    "plan": "depends on what was published",
    "order": "depends on the order of the file",
    "identifiers": "has seen these identifiers",
}
_RANDOM: dict[Material, str] = {
    "plan": "coins alone decided which is which",
    "order": "chance alone decided which is which if the rows were shuffled",
    "identifiers": "nothing but having seen them tells which is which",
}
_UNSEEN: dict[Material, str] = {
    "plan": "It does not show that the published text was not used: a weaker trace, or text that a filter removed "
    "before training, stays below what this test sees.",
    "order": "It does not show that the file was not used: trainings that shuffle rows, or read each row alone, leave "
    "no trace of the order, and most do. NO EVIDENCE of this test is weak.",
    "identifiers": "It does not show that the documents were not used: identifiers are hard to learn, and a filter may "
    "have removed them.",
}
_HIGHER: dict[Material, str] = {
    "plan": "published text",
    "order": "the order of the file",
    "identifiers": "the identifiers",
}
_MORE: dict[Material, str] = {
    "plan": "",
    "order": "Bring a longer file, or fewer rows a block (--shard).",
    "identifiers": "Bring more documents with identifiers.",
}
NEITHER = "It says neither that the model depends on the published text nor that it does not."

_WHAT = {
    "holdout": "documents that were published above documents that coins withheld",
    "twins": "the published wordings above the wordings that coins withheld",
    "canaries": "the published canaries above decoys from the same generator",
    "choice": "the published forms above the forms that coins withheld",
    "order": "the published orders above orders that coins withheld",
    "file-order": "the order of the file above random orders of the same rows",
    "identifiers": "the identifiers in the documents above others of the same law",
}


def decide_dealt(
    case: DealtCase, checks: Sequence[PlanCheck], p_value: float, p_paid: float, detectable: float | None
) -> Verdict:
    """Reach the verdict.

    A failed check makes it INCONCLUSIVE, whatever the p-value. Otherwise it is EVIDENCE if the paid p-value reaches the
    level; NO EVIDENCE if it does not and an effect of the required size would have been found; INCONCLUSIVE else.

    Args:
        case: The case.
        checks: The findings of all conditions.
        p_value: Of the test, before anything is paid.
        p_paid: After the coins and the choice of tests were paid.
        detectable: Smallest effect that would have been found; None where none would.
    """
    failed = [check for check in checks if check.status == "failed"]
    if failed:
        first, others = failed[0], failed[1:]
        more = f" ({', '.join(check.name for check in others)} failed as well.)" if others else ""
        return _verdict(
            case,
            "INCONCLUSIVE",
            f"check:{first.name}",
            f"The test cannot carry a verdict: {lower_first(first.reason)}{more}",
            _neither(case),
            " ".join(dict.fromkeys(check.remediation for check in failed if check.remediation)),
            refused=True,
        )
    effect = _effect(case, p_value, p_paid)
    what = _WHAT[case.commitment.design]
    if p_paid <= case.level:
        return _verdict(
            case,
            "EVIDENCE",
            "separated",
            f"{_finding(case)}: it prefers {what} ({effect}), and {_RANDOM[case.material]}.",
            _MEANINGS[case.material],
        )
    policy = case.settings.policy
    if detectable is not None and detectable <= policy.required_auc:
        return _verdict(
            case,
            "NO EVIDENCE",
            "not-separated",
            f"No evidence that the model {_DEPENDS[case.material]} ({effect}). Had it scored {what} in "
            f"{detectable:.0%} of comparisons, the test would have found it with {policy.power:.0%} power.",
            _UNSEEN[case.material]
            + (
                " The scores are another party's, who can hide what there is."
                if case.measurements.sealed_sha256
                else ""
            ),
        )
    would = (
        "no effect, however large, would have been found"
        if detectable is None
        else f"{_HIGHER[case.material]} would have had to score higher in {detectable:.0%} of comparisons to be found"
    )
    return _verdict(
        case,
        "INCONCLUSIVE",
        "underpowered",
        f"Nothing was found ({effect}), but the test is too small to say so: {would} with {policy.power:.0%} power, "
        f"where {policy.required_auc:.0%} is required.",
        _neither(case),
        _more(case),
    )


def _verdict(
    case: DealtCase,
    outcome: Literal["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"],
    reason: str,
    sentence: str,
    not_meaning: str,
    remediation: str = "",
    *,
    refused: bool = False,
) -> Verdict:
    grade: Grade = "controlled" if case.controls else "no control"
    coins = case.grade
    validity = _DESCRIPTIVE if refused else f"{_exactness(case)} {coins.sentence}"
    return Verdict(
        outcome=outcome,
        reason=reason,
        sentence=sentence,
        not_meaning=not_meaning,
        remediation=remediation,
        validity_class="C" if refused else "A" if coins.class_a else "B",
        validity=validity,
        grade=grade,
    )


def _exactness(case: DealtCase) -> str:
    if case.material == "identifiers":
        return _LAW
    if case.material == "order":
        return _SHUFFLED if case.controls else f"{_SHUFFLED} {STRUCTURE}"
    if case.grade.name == "owner-stamped":
        return _STAMPED
    return _EXACT if case.grade.class_a else _OWNER


def _neither(case: DealtCase) -> str:
    if case.material == "plan":
        return NEITHER
    return f"It says neither that the model {_DEPENDS[case.material]} nor that this is not so."


def _finding(case: DealtCase) -> str:
    return f"The model {_DEPENDS[case.material]}"


def _effect(case: DealtCase, p_value: float, p_paid: float) -> str:
    share = "" if case.target is None else f"in {case.target.test.share:.0%} of comparisons, where 50% is chance; "
    paid = f"p = {p_value:.2g}" + (f", {p_paid:.2g} after what it pays" if p_paid != p_value else "")
    return f"{share}{paid}, level {case.level:.2g}, {amount(case.n_scored, 'unit')}"


def _more(case: DealtCase) -> str:
    if case.material != "plan":
        return _MORE[case.material]
    free = "" if case.grade.bits == 0 else " A beacon round after a public commitment makes the coins cost nothing."
    return f"Plant more units, or more copies of each, in the next publication.{free}"
