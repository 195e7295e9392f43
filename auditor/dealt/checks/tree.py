"""The units must be those that were committed to."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.provenance.merkle import root

_REMEDY = (
    "Open the batch from an unchanged copy of the plan; units that were left out or changed after the coins void it."
)


@condition(
    name="opening",
    order=10,
    question="Are these all the units of the batch, as they were committed to?",
    materials=("plan",),
)
def opening(case: DealtCase) -> Finding:
    """Compute the root over the leaves again."""
    leaves = [bytes.fromhex(unit.leaf) for unit in case.measurements.units]
    if len(leaves) != case.batch.units:
        return Finding(
            "failed", f"The batch has {len(leaves):,} units here, and {case.batch.units:,} were committed to.", _REMEDY
        )
    if not leaves or root(leaves).hex() != case.batch.root:
        return Finding(
            "failed", "The units are not those that were committed to: the root of the Merkle tree differs.", _REMEDY
        )
    return Finding("passed", f"All {len(leaves):,} leaves together give the root that was committed to.")
