"""The sentences of every output of a test: who made the coins, what the p-value paid, how to check it."""

from __future__ import annotations

from collections import Counter

from auditor.core.text import amount
from auditor.report.text import format_number, format_p, format_percent, moment
from auditor.results.dealt.checks import SEALED, PlanCheckStatus
from auditor.results.dealt.coins import CoinGradeName, StampFacts
from auditor.results.dealt.result import DealtResult

_DESIGNS = {
    "holdout": "Coins decided which documents were published and which stayed unpublished.",
    "twins": "Each document had two wordings, and a coin decided which was published.",
    "canaries": "Each canary was drawn by a coin from a set that one generator made; the rest of the set, its decoys, "
    "was never published.",
    "choice": "Each unit had several forms that would do equally well, and a coin decided which was published.",
    "order": "Each file could have stood in several orders, and a coin decided which was published.",
    "file-order": "The publisher is said to have shuffled the rows of the file, so that inside each block every order "
    "was as likely; the block is compared with random orders of its own rows. There were no coins, and nobody "
    "committed to an order.",
    "identifiers": "Whatever made an identifier of known law, such as a digest or a random UUID, draws every value "
    "alike; each is compared with 127 others of its law, in the same place, with every other copy of it masked. There "
    "were no coins, and nobody committed to anything.",
}
_COMPARED = {
    "holdout": "a published document scores above a withheld one",
    "twins": "published wordings score above withheld ones, weighted by how clearly",
    "canaries": "a published canary scores above a decoy of its own set",
    "choice": "a published form scores above one that was withheld",
    "order": "a published order scores above one that was withheld",
    "file-order": "the order of the file scores above a random order of the same rows",
    "identifiers": "an identifier scores above another of its law",
}


_COINS: dict[CoinGradeName, str] = {
    "beacon-public": "from public randomness, after a commitment that the owner says was public",
    "beacon-stamped": "from public randomness, after a commitment that was time-stamped in private",
    "owner-stamped": "the owner's alone, time-stamped",
    "owner-alone": "the owner's alone",
    "file-order": "none: the order of a file",
    "known-law": "none: identifiers of known law",
}


def design_sentence(result: DealtResult) -> str:
    """What coins decided."""
    return _DESIGNS[result.plan.design]


def compared(result: DealtResult) -> str:
    """What the share of comparisons counts."""
    return _COMPARED[result.plan.design]


def is_natural(result: DealtResult) -> bool:
    """Whether there was no plan, and so no coins and no commitment."""
    return result.measurements.natural is not None


def material(result: DealtResult) -> str:
    """What is tested, for a heading."""
    return {"file-order": "Order of a file", "identifiers": "Identifiers"}.get(result.plan.design, "Plan")


def coins_heading(result: DealtResult) -> str:
    """What the sentences about coins are headed by."""
    return "Who committed to what" if is_natural(result) else "Who made the coins"


def digests_sentence(result: DealtResult) -> str:
    """The digests that a result can be told by."""
    natural, plan = result.measurements.natural, result.plan
    if natural is not None:
        return f"Nothing was committed to before publication; SHA-256 of what was read {natural.sha256}"
    return f"Commitment {plan.commitment_sha256}, root of batch {plan.batch} {plan.root}"


def digests(result: DealtResult) -> dict[str, str]:
    """The same by name."""
    if result.measurements.natural is not None:
        return {"read-sha256": result.measurements.natural.sha256}
    return {"commitment-sha256": result.plan.commitment_sha256, "root": result.plan.root}


def compared_noun(result: DealtResult) -> str:
    """What scores higher where something is found."""
    nouns = {"file-order": "the order of the file", "identifiers": "identifiers"}
    return nouns.get(result.plan.design, "published text")


def verify_sentence(result: DealtResult) -> str:
    """How a second party checks a result."""
    if not is_natural(result):
        return VERIFY
    role = "order=FILE" if result.plan.design == "file-order" else "identifiers=PATH"
    return (
        "auditor verify result.json makes every figure and the verdict again from the scores in the result; with "
        f"--data {role} it reads the files again, and derives checks, units, rivals and the order of ties from them "
        "and the seed. It needs no model. That the scores are those of the model only scoring again can show."
    )


def level_sentence(result: DealtResult) -> str:
    """On which side of the level the paid p-value lies."""
    where = "at or below" if result.p_paid <= result.level else "above"
    return f"{where} the level of {format_number(result.level)}"


def paid_sentence(result: DealtResult) -> str:
    """What the p-value paid, and of what the level is a share."""
    return f"{_paid(result)}{_share(result)}"


def _share(result: DealtResult) -> str:
    if result.level == result.plan.alpha:
        return ""
    look = result.manifest.configuration.get("look")
    return (
        f" The level is {format_number(result.level)} and not the committed {format_number(result.plan.alpha)}: this "
        "is "
        f"model {look} of several on one batch (--look {look}), which share it."
    )


def _paid(result: DealtResult) -> str:
    parts = []
    if result.coins.bits:
        parts.append(f"2^{result.coins.bits} for who made the coins")
    if result.attempts > 1:
        parts.append(f"{result.attempts} for the tests that could have been chosen")
    if not parts and is_natural(result):
        return "It pays nothing: there were no coins that anybody could have tried in secret."
    if not parts:
        return (
            "It pays nothing: the coins follow from public randomness after a commitment that the owner says was "
            "public, "
            "and the test is the one that was committed to."
        )
    before, after = format_p(result.p_value, result.level), format_p(result.p_paid, result.level)
    return f"It pays a factor of {' and of '.join(parts)}: {before} becomes {after}."


def coin_sentences(result: DealtResult) -> tuple[str, ...]:
    """Who made the coins, and what shows it."""
    coins = result.coins
    sentences = [coins.sentence]
    if coins.beacon is not None:
        checked = "its signature is that of the network" if coins.beacon.checked == "verified" else "not verified here"
        sentences.append(
            f"Public randomness: round {coins.beacon.round:,} of {coins.beacon.chain}, {moment(coins.beacon.time)} "
            f"({checked})."
        )
    if coins.stamp is not None:
        checked = stamp_checked(coins.stamp)
        sentences.append(f"Time stamp: {moment(coins.stamp.time)} by {coins.stamp.authority} ({checked}).")
    if coins.address:
        sentences.append(f"The owner says that the commitment was public at {coins.address}.")
    note = str(result.commitment.get("note", ""))
    if note:
        sentences.append(f"Note of the commitment: {note}")
    if result.measurements.sealed_sha256:
        sentences.append(SEALED.format(result.measurements.sealed_sha256))
    return tuple(sentences)


def stamp_checked(stamp: StampFacts) -> str:
    """Up to which root a time stamp was verified."""
    if stamp.checked != "verified":
        return "not verified, so it counts nothing"
    return (
        f"verified up to the root {stamp.root} (SHA-256 {stamp.root_sha256}) that came with the plan; whether that "
        "authority is one to trust, the reader decides"
    )


def coins_words(result: DealtResult) -> str:
    """Who made the coins, in a few words."""
    return _COINS[result.coins.grade]


def warnings_sentence(result: DealtResult) -> str:
    """How many checks have each status, for the head of a report."""
    return ", ".join(f"{count} {status}" for status, count in check_counts(result).items())


def check_counts(result: DealtResult) -> dict[PlanCheckStatus, int]:
    """How many checks have each status; `passed` and `failed` always."""
    counts = Counter(check.status for check in result.checks)
    known: tuple[PlanCheckStatus, ...] = ("passed", "failed", "warning", "not run")
    return {status: counts[status] for status in known if counts[status] or status in ("passed", "failed")}


def effect_sentence(result: DealtResult) -> str:
    """The share of comparisons with its interval."""
    if result.target is None:
        return "Too little was scored to compare anything."
    test = result.target.test
    interval = test.share_interval
    return (
        f"{format_percent(round(test.share, 3))} of comparisons, where 50% is chance; {format_percent(interval.level)} "
        f"interval {format_percent(round(interval.low, 3))} to {format_percent(round(interval.high, 3))}"
    )


def units_sentence(result: DealtResult) -> str:
    """How many units were scored, and what they would have shown."""
    scored = f"{result.units_scored:,} of {amount(result.plan.units, 'unit')} scored"
    power = format_percent(result.thresholds.power)
    if result.detectable_auc is None:
        return f"{scored}; no effect, however large, would have been found with {power} power"
    detectable = format_percent(round(result.detectable_auc, 3))
    return f"{scored}; {detectable} of comparisons would have been found with {power} power"


def exactness(result: DealtResult) -> str:
    """How the p-value was computed."""
    if result.target is None:
        return "There is none: too little was scored."
    if result.sequential is not None:
        return "One over the largest wealth of a bettor who wins only where published text scores higher."
    test, chance = result.target.test, "chance" if is_natural(result) else "the coins"
    text = (
        f"The probability under {chance} alone of a result at least as clear, counted exactly"
        if test.exact
        else f"An upper bound of the probability under {chance} alone of a result at least as clear"
    )
    if result.target.engine is not None:
        text += "; twice the smaller of that and of the p-value of all features together"
    return f"{text}."


VERIFY = (
    "auditor verify result.json makes every figure and the verdict again from the scores in the result, and the root "
    "of the Merkle tree from its leaves; with --plan PLAN, or on a bundle with the opening, also the key, the coins "
    "and the order of ties, and it checks the beacon and the time stamp. It needs no model, and no secret of another "
    "batch. That the scores are those of the model only scoring again can show."
)
"""How a second party checks a result."""
