"""Units that were there before anybody thought of a test, in the form of an opened batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from auditor.core.version import VERSION
from auditor.dealt.open import OpenedBatch, PublicFiles, open_batch
from auditor.provenance.commitment import canonical, commit_batch, commit_key
from auditor.provenance.draws import Draws
from auditor.provenance.records import BatchCommitment, BatchSecret, Commitment, NaturalDesign, TestRule, Unit
from auditor.results.dealt.coins import CoinFacts
from auditor.results.dealt.measurements import NaturalFacts

ALPHA = 0.01
"""Level of a test that nobody committed to."""

NOTE = "Made when the test was run. Nothing was committed to before publication."
_DOMAIN = "auditor/natural/1"
_SALT = "00" * 32
_NOTHING = "00" * 32


@dataclass(frozen=True, slots=True)
class NaturalMaterial:
    """What is tested, and what was found of it before a model is opened.

    Attributes:
        opened: Its units; which candidate is the true one takes the part of the coins.
        facts: The findings.
    """

    opened: OpenedBatch
    facts: NaturalFacts

    @property
    def is_refused(self) -> bool:
        """Whether no model is to be scored."""
        return any(check.status == "failed" for check in self.facts.checks)


def natural_draws(design: NaturalDesign, read_sha256: str, seed: int) -> tuple[Draws, str]:
    """Draws that follow from what was read and the seed, and their key in hexadecimal.

    The digest is part of the key, so that whoever wants other draws has to change the files, which shows.
    """
    key = hashlib.sha256("\0".join((_DOMAIN, design, read_sha256, str(seed))).encode()).digest()
    return Draws(key), key.hex()


def true_index(draws: Draws, unit: str, candidates: int) -> int:
    """Where the true candidate of a unit stands among its rivals: anywhere alike, so that no index is special."""
    return draws.below("choice", unit, candidates)


def as_batch(
    design: NaturalDesign,
    kind: str,
    units: Sequence[Unit],
    *,
    candidates: int,
    reference: bool,
    key: str,
    read_sha256: str,
) -> OpenedBatch:
    """Units as a batch that was opened, by a record that commits nobody to anything.

    Args:
        design: What they are.
        kind: What their candidates are.
        units: The units; the true candidate of each stands where `true_index` says.
        candidates: Candidates of each.
        reference: Whether the scores of a reference are subtracted.
        key: Key of the draws, in hexadecimal.
        read_sha256: Digest of what was read.
    """
    secret = BatchSecret(id=1, key=key, salt=_SALT)
    record = Commitment(
        made_by=f"auditor {VERSION}",
        design=design,
        kind=kind,
        units=len(units),
        candidates=candidates,
        copies=1,
        withheld_share=None,
        batches=(commit_batch(1, units, secret) if units else _empty(secret),),
        test=TestRule(score="logprob-sum", statistic="rank-sum", reference=reference, alpha=ALPHA),
        corpus=read_sha256,
        beacon=None,
        note=NOTE,
    )
    public = PublicFiles(record, canonical(record), None, None, None, "")
    if not units:
        return OpenedBatch(public, record.batches[0], (), (), (), (), CoinFacts(beacon=None, stamp=None, address=""))
    return open_batch(public, 1, units, secret)


def with_reference(material: NaturalMaterial) -> NaturalMaterial:
    """The same with the scores of a reference subtracted; neither units nor draws depend on it."""
    opened = material.opened
    test = opened.commitment.test.model_copy(update={"reference": True})
    record = opened.commitment.model_copy(update={"test": test})
    public = replace(opened.public, commitment=record, written=canonical(record))
    return replace(material, opened=replace(opened, public=public))


def _empty(secret: BatchSecret) -> BatchCommitment:
    key = commit_key(bytes.fromhex(secret.key), bytes.fromhex(secret.salt))
    return BatchCommitment(id=1, units=0, root=_NOTHING, key=key)


def arranged(candidates: Sequence[str], index: int) -> tuple[str, ...]:
    """Candidates, of which the true one is the first, with the true one at an index."""
    true, others = candidates[0], list(candidates[1:])
    return (*others[:index], true, *others[index:])


Cut = Callable[[str], bool]
"""Whether a text does not fit the window of the model whole."""
