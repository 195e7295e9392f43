"""How often a batch of audits in which there is nothing to find says EVIDENCE, with and without its correction.

    python benchmarks/multiplicity.py [--batches 300] [--audits 20] [--refused 10] [--groups 60] [--alpha 0.05]

Every audit of a batch holds a suspect set of its own against the one held-out set, and all are scored by one model, so
their p-values depend on each other. Scores are drawn (`simulate.py`), suspect and held-out from one law; the p-values
are those of the engine, and go the way of a batch: `entered`, `correct` and `corrected_verdict` of
`auditor.inference.batch_correction`.

Each batch is corrected twice: by itself, and beside audits that a guard refuses although their p-values are tiny, as
where suspect and held-out documents differ by more than training. Those are no EVIDENCE, and must not make the others
so.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from simulate import named_columns, sample

from auditor.inference.batch_correction import CorrectionEntry, correct, corrected_verdict, entered
from auditor.inference.multiplicity import CORRECTIONS
from auditor.inference.separability import separability
from auditor.results.correction import Correction
from auditor.results.outcome import Outcome
from auditor.results.result import Verdict
from auditor.results.rows import Rows

TINY = 1e-4
"""The p-value of a refused audit."""


def p_values(rng: np.random.Generator, audits: int, groups: int, permutations: int) -> list[float]:
    """Those of one batch."""
    drawn = sample(rng, groups * (audits + 1) // 2 + 1).values
    heldout, rest = drawn[:groups], drawn[groups : groups * (audits + 1)]
    sides = np.repeat([True, False], groups)
    names = tuple(map(str, range(2 * groups)))
    found = []
    for number in range(audits):
        suspect = rest[number * groups : (number + 1) * groups]
        rows = Rows(np.vstack([suspect, heldout]), sides, names, named_columns(drawn.shape[1]))
        found.append(separability(rows, rng=rng, alpha=0.05, permutations=permutations, bootstraps=2).p_value)
    return found


def verdict(word: Outcome) -> Verdict:
    """One whose words do not matter."""
    return Verdict(
        outcome=word, reason="", sentence="", not_meaning="", validity_class="B", validity="", grade="controlled"
    )


def evidence(found: Sequence[float], refused: int, alpha: float, method: Correction) -> int:
    """How many of the audits say EVIDENCE after the correction, beside some that are refused."""
    own = [verdict("EVIDENCE" if p <= alpha else "NO EVIDENCE") for p in found] + [verdict("INCONCLUSIVE")] * refused
    brought = [
        CorrectionEntry(p, 1, entered(p, 1, alpha, one))
        for p, one in zip([*found, *[TINY] * refused], own, strict=True)
    ]
    corrections = correct(brought, method)
    return sum(
        corrected_verdict(before, one, alpha).outcome == "EVIDENCE"
        for before, one in zip(own, corrections, strict=True)
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--audits", type=int, default=20)
    parser.add_argument("--refused", type=int, default=10)
    parser.add_argument("--groups", type=int, default=60)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    permutations = math.ceil(2 * (asked.audits + asked.refused) / asked.alpha) - 1
    wrong: dict[tuple[int, str], list[bool]] = defaultdict(list)
    for rng in np.random.default_rng(asked.seed).spawn(asked.batches):
        found = p_values(rng, asked.audits, asked.groups, permutations)
        wrong[0, "none"].append(min(found) <= asked.alpha)
        for refused in (0, asked.refused):
            for method in CORRECTIONS:
                wrong[refused, method].append(evidence(found, refused, asked.alpha, method) > 0)
    print(
        f"{asked.batches} batches of {asked.audits} audits, {asked.groups} groups a side, level {asked.alpha:g},"
        f" {permutations} permutations: share of batches with any EVIDENCE"
    )
    for (refused, name), each in wrong.items():
        share = float(np.mean(each))
        error = 1.96 * math.sqrt(share * (1 - share) / len(each))
        beside = f"beside {refused} refused" if refused else ""
        print(f"  {name:18} {beside:18} {share:.3f} (95% {max(0.0, share - error):.3f} to {share + error:.3f})")


if __name__ == "__main__":
    main()
