"""What a test of dealt material cannot show, in sentences that go with every result."""

from __future__ import annotations

from auditor.core.text import shorten
from auditor.dealt.case import DealtCase
from auditor.provenance.grade import GRADES

_NATURAL = (
    "Nobody committed to anything before publication: whoever ran the test chose what to test, when, and the seed, and "
    "could have tried several. Only the choice that is shown is paid for.",
    "Other draws need another seed, which the report names, or other files, whose digest is in the result.",
)
_ORDER = (
    "The test is of one file, read in its order. Trainings that shuffle rows, or read each row alone, leave no trace "
    "of it, so NO EVIDENCE is weak.",
    "That the rows were shuffled before publication is the publisher's word. Each check of the order looks for one "
    "kind of structure and can overlook others.",
)
_IDENTIFIERS = (
    "A rejection says that the model has seen the identifiers. It does not say where: the same identifiers may stand "
    "in other copies, logs and indexes.",
    "The law holds for whoever does not know what was hashed: a model that can compute a digest from its content would "
    "know it, and so would one that was given it in retrieved text.",
)


def dealt_limitations(case: DealtCase) -> tuple[str, ...]:
    """The limitations that apply to a case."""
    if case.material != "plan":
        return (*_NATURAL, *(_ORDER if case.material == "order" else _IDENTIFIERS), *_references(case))
    limits = [
        "The test asks whether the model depends on what was published. It does not show how the text came to it: "
        "training, distillation from another model that saw it, or retrieval while it answers.",
        "The batch is open now: a model that is made after this test may have seen its candidates, so the batch proves "
        "nothing about later models.",
        "Conditions that other audits put on the likeness of two sets do not apply: which text was published was "
        "decided by coins, so the two kinds differ by chance alone, and the p-value counts that chance.",
    ]
    if case.commitment.test.reference:
        limits.append(
            "The commitment says that scores under a reference are subtracted, and not which reference: whoever ran "
            "the test chose it, and could have tried several. It must know neither what was published nor what was "
            "withheld; the check of references sees strong knowledge alone, and not a little of it."
        )
    if case.settings.sequential:
        limits.append(
            "The commitment names another statistic. The p-value pays for one choice between the two; a reader who is "
            "shown one of several runs cannot see the others."
        )
    stamp = case.measurements.coins.stamp
    if stamp is not None and stamp.checked == "verified":
        limits.append(
            f"The time stamp leads to the root {shorten(stamp.root, 200)} (SHA-256 {stamp.root_sha256}), whose "
            "certificate came "
            "with the plan. Anybody can make a root of his own and date back: whether that authority is one to trust, "
            "the reader decides."
        )
    if case.measurements.sealed_sha256:
        limits.append(
            f"The sealed scores have the SHA-256 {case.measurements.sealed_sha256}. That they are those of the "
            "provider "
            "only a digest shows that he published, dated, before the coins were opened."
        )
    if case.grade.name == "beacon-public":
        limits.append(
            "That the commitment was public before the beacon round is the owner's account: whoever doubts it looks at "
            f"the place named. Had it been time-stamped in private alone, the p-value would be multiplied by 2^"
            f"{GRADES['beacon-stamped'].bits}, for as many plans stamped of which one is shown."
        )
    if case.grade.bits:
        limits.append(
            f"The factor of 2^{case.grade.bits} covers as many secret attempts and no more. Public randomness after a "
            "public commitment needs no such assumption."
        )
    return tuple(limits)


def _references(case: DealtCase) -> tuple[str, ...]:
    if not case.references:
        return ()
    return (
        "The scores of the references are subtracted. Whoever ran the test chose them, and could have tried several.",
    )
