"""How the ridge penalty and the number of folds were chosen: power of the engine's maximum over effects of many shapes.

    python benchmarks/ridge.py --reps 200

Every cell is the share of simulated audits in which the larger of the learned statistic and the mean statistic has a
permutation p-value of at most 0.01. The last column is the mean over the shapes.
"""

from __future__ import annotations

import argparse

import numpy as np
from simulate import EFFECTS, document_rows, sample

from auditor.inference.design import build_design, permuted_labels
from auditor.inference.discriminant import CrossFit
from auditor.inference.null_distribution import standardise, tail

STRENGTH = {"difficulty": 1.5, "equal": 1.5, "uneven": 1.1, "sparse": 0.8, "contrast": 0.7}
"""Effect of each shape in units of 2.2 / sqrt(documents): chosen so that power is neither 0 nor 1."""


def p_value(documents: int, columns: int, shape: str, ridge: float, folds: int, seed: int) -> float:
    """One simulated audit with one setting."""
    effect = STRENGTH[shape] * 2.2 / np.sqrt(documents)
    rows = document_rows(
        sample(np.random.default_rng([seed, 0]), documents, columns=columns, effect=effect, shape=shape)
    )
    design = build_design(rows, folds=folds, rng=np.random.default_rng([seed, 1]))
    fit = CrossFit(design, ridge)
    labels = next(permuted_labels(design, 499, np.random.default_rng([seed, 2]), chunk_bytes=10**9))
    totals, learned = fit.products(labels)
    largest = standardise(np.stack([learned, totals.mean(axis=0)])).max(axis=0)
    return float(tail(largest, largest[0]))


def main() -> None:
    """Print one table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reps", type=int, default=100)
    options = parser.parse_args()
    for documents, columns in ((30, 20), (100, 20), (100, 60)):
        print(f"\n{documents} documents a side, {columns} columns")
        print(f"{'ridge':>8}{'folds':>7}" + "".join(f"{shape:>12}" for shape in EFFECTS) + f"{'mean':>8}")
        for folds in (2, 5, 10):
            for ridge in (0.1, 0.3, 1.0, 3.0):
                rates = [
                    np.mean([p_value(documents, columns, shape, ridge, folds, s) <= 0.01 for s in range(options.reps)])
                    for shape in EFFECTS
                ]
                cells = "".join(f"{rate:>12.2f}" for rate in rates)
                print(f"{ridge:>8}{folds:>7}{cells}{np.mean(rates):>8.3f}", flush=True)


if __name__ == "__main__":
    main()
