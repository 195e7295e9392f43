"""A plan in plain words: what to publish, what to keep, and what to lose sleep over."""

from __future__ import annotations

from auditor.core.text import amount
from auditor.provenance.beacon import round_address, round_time
from auditor.provenance.commitment import commitment_sha256
from auditor.provenance.folder import COMMITMENT, REQUEST
from auditor.provenance.grade import CoinGrade
from auditor.provenance.records import Commitment

DRAND = "drand.json"

_WHAT = {
    "holdout": "Coins decide which documents are published. The others stay with you; nobody else may ever see them.",
    "twins": "Each document has two wordings. A coin of its own decides which is published; the other stays with you.",
    "canaries": "Each canary is one of a set of strings from one generator. A draw decides which of them is published; "
    "the others, its decoys, stay with you.",
    "choice": "Each document has several forms. A draw decides which is published; the others stay with you.",
    "order": "The rows of the file are published in an order that is drawn inside blocks; the other orders stay with "
    "you.",
}


def describe_plan(commitment: Commitment) -> list[str]:
    """What was planned, one sentence a line."""
    batches = len(commitment.batches)
    of_candidates = "" if commitment.candidates == 1 else f", each with {commitment.candidates} candidates"
    lines = [
        f"design {commitment.design}: {amount(commitment.units, 'unit')}{of_candidates}, in "
        f"{amount(batches, 'batch', 'batches')}, of {commitment.kind}",
        _WHAT[commitment.design],
        f"commitment {commitment_sha256(commitment)}",
    ]
    if commitment.copies > 1:
        lines.insert(1, f"each canary is put into {commitment.copies} documents")
    return lines


def read_me(commitment: Commitment, *, plan: str, to: str) -> str:
    """The text of the file that lies in the plan."""
    steps = next_steps(commitment, plan=plan, to=to)
    paragraphs = [
        "A plan of auditor",
        "\n".join(describe_plan(commitment)),
        "What to publish\n"
        f"- {COMMITMENT}, now: on a page, in a repository, in a registry. No candidate can be\n"
        "  read from it.\n"
        f"- {to}, once the coins are dealt: that copy, and no other.",
        "What to keep\n"
        "- This folder, whole, with a backup in another place. Whoever loses it can prove nothing.\n"
        "- secret.json, units-*.jsonl and restoration.json to yourself alone. Whoever reads them knows every coin,\n"
        "  and a model trained on decoys or withheld documents can no longer be tested.",
        "What to lose sleep over\n"
        "- The corpus as it was: if it, or what is withheld, is published anywhere, the test loses its power.\n"
        "- A batch proves something once. After you have opened it, its candidates are known.\n"
        "- Nothing here shows that a model was trained on your documents by somebody you name: only that its\n"
        "  behaviour depends on what was published.",
        "Next\n" + "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    ]
    return "\n\n".join(paragraphs) + "\n"


def next_steps(commitment: Commitment, *, plan: str, to: str) -> list[str]:
    """What to do after the commitment."""
    stamp = (
        f"Have {COMMITMENT} time-stamped: send {REQUEST} to a time-stamping authority (RFC 3161, as "
        f"application/timestamp-query), and add its answer: auditor plant {plan} --stamp ANSWER --stamp-root ROOT.pem."
    )
    if commitment.beacon is None:
        return [
            stamp + " Until then the p-value is multiplied by 2^40 and the result is no class A.",
            f"Publish {to}.",
        ]
    moment = round_time(commitment.beacon.round)
    return [
        f"Publish {COMMITMENT} where its time can be looked up, at least an hour before {moment:%Y-%m-%d %H:%M} UTC.",
        stamp + " It has to be at least an hour older than the beacon round.",
        f"After {moment:%Y-%m-%d %H:%M} UTC save what {round_address(commitment.beacon.round)} gives as {DRAND}.",
        f"auditor plant {plan} --coins --beacon {DRAND} --public ADDRESS writes {to}.",
        f"Publish {to}.",
    ]


def grade_lines(grade: CoinGrade) -> list[str]:
    """What the coins are worth, and what would make them worth more."""
    lines = [f"coins: {grade.sentence}"]
    if grade.name == "owner-alone":
        lines.append("with a verified time stamp (--stamp, --stamp-root) from before the model the result is class A")
    return lines
