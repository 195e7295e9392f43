"""Public randomness: a round of the drand network that the user has fetched, checked without any network."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from auditor.core.errors import UsageError
from auditor.core.files import read_bytes
from auditor.core.record import Record
from auditor.provenance.records import BeaconRound, Hex32

QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
"""Hash of the chain `drand-quicknet`; a round is fetched from `https://api.drand.sh/QUICKNET/public/ROUND`."""

_FIRST = datetime.fromtimestamp(1692803367, UTC)
_PERIOD = timedelta(seconds=3)
_LAST = 10**10

BeaconChecked = Literal["verified", "not verified here"]


class BeaconValue(Record):
    """A round with its randomness and its signature, as drand gives them."""

    round: Annotated[int, Field(ge=1, le=_LAST)]
    randomness: Hex32
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{96}$")]


def round_time(number: int) -> datetime:
    """When a round is published (UTC).

    Raises:
        UsageError: There is no such round.
    """
    if not 1 <= number <= _LAST:
        raise UsageError(f"drand has no round {number}")
    return _FIRST + (number - 1) * _PERIOD


def round_after(moment: datetime) -> int:
    """The first round at or after a moment."""
    return max(1, 1 - (_FIRST - moment) // _PERIOD)


def read_beacon(path: Path, committed: BeaconRound) -> BeaconValue:
    """Read what drand gives for a round, and check that it is the committed one.

    Raises:
        UsageError: The file is none, is of another round, or its randomness is not the digest of its signature.
    """
    try:
        written = json.loads(read_bytes(path).decode("utf-8-sig"))
        known = {name: written[name] for name in BeaconValue.model_fields if name in written}
        value = BeaconValue.model_validate(known)
    except (ValueError, TypeError, RecursionError) as error:
        reason = (
            f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise UsageError(
            f"{path}: not a round of drand ({reason})", hint=f"Save what {round_address(committed.round)} gives."
        ) from error
    require_round(value, committed)
    return value


def require_round(value: BeaconValue, committed: BeaconRound) -> None:
    """Check a round against the commitment; errors as of `read_beacon`."""
    if value.round != committed.round:
        raise UsageError(
            f"the beacon is of round {value.round:,}, and the commitment names round {committed.round:,}",
            hint=f"Save what {round_address(committed.round)} gives.",
        )
    if hashlib.sha256(bytes.fromhex(value.signature)).hexdigest() != value.randomness:
        raise UsageError(f"round {value.round:,}: the randomness is not the digest of the signature")


def round_address(number: int) -> str:
    """Where a round can be looked up."""
    return f"https://api.drand.sh/{QUICKNET}/public/{number}"


def check_signature(value: BeaconValue) -> BeaconChecked:
    """Check the signature of the network over a round; `not verified here` where `drand-verify` is not installed.

    Raises:
        UsageError: The signature is not the network's.
    """
    try:
        from drand_verify import verify_quicknet
    except ImportError:
        return "not verified here"
    try:
        verified = verify_quicknet(value.round, value.signature) == value.randomness
    except ValueError:
        verified = False
    if not verified:
        raise UsageError(
            f"round {value.round:,}: the signature is not that of the drand network",
            hint=f"Look the round up at {round_address(value.round)}.",
        )
    return "verified"
