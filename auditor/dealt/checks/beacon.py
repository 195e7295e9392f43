"""The coins must be younger than the commitment."""

from __future__ import annotations

from auditor.core.text import shorten
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.provenance.grade import BEFORE_ROUND

_UNCHECKED = ", whose signature was not verified here: the p-value pays as for coins that the owner made alone."


@condition(
    name="beacon",
    order=20,
    question="Was the commitment made before the public randomness was known?",
    materials=("plan",),
)
def beacon(case: DealtCase) -> Finding:
    """Compare the round with the time stamp."""
    happened, coins = case.beacon_time, case.measurements.coins
    if happened is None or coins.beacon is None:
        return Finding(
            "warning",
            "The coins do not follow from public randomness: their owner could have tried many.",
            "Commit with a beacon round in the future next time; the p-value pays for it here.",
        )
    moment = f"{happened:%Y-%m-%d %H:%M} UTC"
    if case.stamped is None:
        return Finding(
            "warning",
            f"The coins follow from round {coins.beacon.round:,} of {moment}, and no verified time stamp shows that "
            "the commitment is older.",
            "Put the answer of a time-stamping authority and its root certificate into the plan (auditor plant PLAN "
            "--stamp).",
        )
    if case.stamped > happened - BEFORE_ROUND:
        return Finding(
            "failed",
            f"The commitment was time-stamped at {case.stamped:%Y-%m-%d %H:%M} UTC, and the coins follow from "
            f"randomness of {moment}: whoever committed may have known it.",
            "Nothing mends this deal: plant a new batch, with a round at least an hour after its time stamp.",
        )
    unchecked = coins.beacon.checked != "verified"
    if not unchecked and coins.address.strip():
        return Finding(
            "warning",
            f"The commitment was time-stamped at {case.stamped:%Y-%m-%d %H:%M} UTC, before the randomness of "
            f"{moment}, whose "
            f"signature is that of the network. That the commitment was public at {shorten(coins.address, 200)} before "
            "the round is the owner's account, and the p-value pays nothing because of it: look there.",
            "Look whether it was public there before the round, in an archive or a repository.",
        )
    return Finding(
        "warning" if unchecked else "passed",
        f"The commitment was time-stamped at {case.stamped:%Y-%m-%d %H:%M} UTC, before the randomness of {moment}"
        + (_UNCHECKED if unchecked else ", whose signature is that of the network."),
        "Install drand-verify (pip install 'llm-auditor[plant]') and run the test again." if unchecked else "",
    )
