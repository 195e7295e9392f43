"""How many effects does the excess guard let through, over text alone and over a reference, and how many shifts?

Simulated audits of a tuned model beside its base. Features of a document under both models share what the document is;
the tuned model adds a change. Two truths:

* effect: the change of suspect documents is larger, and the sets are alike otherwise. Every rejection should pass.
* shift: the sets differ in what both models read and no text column shows; the change is the same. None should pass.

    python benchmarks/excess.py
"""

from __future__ import annotations

import argparse

import numpy as np

from auditor.inference.adjusted import adjusted, changes
from auditor.inference.excess import excess_auc
from auditor.inference.separability import separability
from auditor.membership.assess import towards_training
from auditor.results.rows import Column, Rows

SHARED = tuple(Column(f"level-{number}", f"family-{number % 3}", 1) for number in range(9))
COMPARING = tuple(Column(f"gap-{number}", "reference", 1) for number in range(4))
TEXT_COLUMNS = 40
LEVEL = 0.95
CHANGE = 0.15
"""Spread of the change of a feature, in spreads of the feature over documents."""


def audit(groups: int, effect: float, shift: float, rng: np.random.Generator, permutations: int) -> tuple[bool, ...]:
    """Whether the test rejects at 0.01, and whether the excess over text and over the reference are shown."""
    suspect = np.repeat([True, False], groups)
    names = tuple(f"g{number}" for number in range(2 * groups))
    common = rng.normal(size=(2 * groups, 1))
    base = 0.8 * common + 0.6 * rng.normal(size=(2 * groups, len(SHARED))) + shift * suspect[:, None]
    moved = 0.7 * rng.normal(size=(2 * groups, 1)) + 0.7 * rng.normal(size=(2 * groups, len(SHARED)))
    moved = CHANGE * (moved + effect * suspect[:, None])
    gaps = moved[:, : len(COMPARING)] + 0.3 * CHANGE * rng.normal(size=(2 * groups, len(COMPARING)))
    target = Rows(np.hstack([base + moved, gaps]), suspect, names, SHARED + COMPARING)
    reference = Rows(base, suspect, names, SHARED)
    columns = tuple(Column(f"words-{number}", "words", 0) for number in range(TEXT_COLUMNS))
    text = Rows(rng.normal(size=(2 * groups, TEXT_COLUMNS)), suspect, names, columns)
    membership = separability(target, rng=rng, alpha=0.01, permutations=permutations, bootstraps=2)
    if membership.p_value > 0.01:
        return False, False, False
    alone = separability(text, rng=rng, alpha=0.02, permutations=permutations, bootstraps=2)
    over_text = excess_auc(membership, alone, suspect, level=LEVEL, rng=rng, bootstraps=500).lower > 0
    change = changes(target, reference, {column.name for column in COMPARING})
    rest = adjusted(change, text, reference, rng=rng)
    beyond = separability(rest, rng=rng, alpha=0.05, permutations=permutations, bootstraps=2)
    return True, bool(over_text), towards_training(beyond) <= 1 - LEVEL


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=200, help="simulated audits a row")
    parser.add_argument("--permutations", type=int, default=499)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{'truth':7} {'groups a side':>13} {'rejected':>9} {'over text':>10} {'over reference':>15}")
    for truth, effect, shift in (("effect", 0.6, 0.0), ("shift", 0.0, 0.6)):
        for groups in (50, 75, 100, 150):
            streams = np.random.default_rng([options.seed, groups]).spawn(options.audits)
            outcomes = np.array([audit(groups, effect, shift, stream, options.permutations) for stream in streams])
            rejected, text, reference = outcomes.sum(axis=0).tolist()
            print(f"{truth:7} {groups:>13} {rejected:>9} {text:>10} {reference:>15}", flush=True)


if __name__ == "__main__":
    main()
