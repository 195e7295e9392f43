"""Error rates and power of the engine on simulated data, beside the published procedure on the same data.

    python benchmarks/calibration.py --reps 500            # both parts
    python benchmarks/calibration.py --part null --reps 1000

`null`: nothing differs. Ours takes the document as its unit; `LLM-DI, one split` is the published t-test of a single
random split of windows; `LLM-DI, 10 splits` its combination with the published threshold.
`power`: one window a document, so that the published procedure is at its best. The last column is the number of
documents a side at which 80 % of audits find the effect, on a straight line between the sizes tried (log scale).

Benchmarks on real text are in natural_shifts.py.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np
from simulate import document_rows, sample

from auditor.inference.llm_di import llm_dataset_inference
from auditor.inference.separability import separability

NULL_SETTINGS = [
    (20, 1, 0.0),
    (100, 1, 0.0),
    (300, 1, 0.0),
    (20, 25, 0.1),
    (20, 25, 0.3),
    (100, 25, 0.1),
    (100, 25, 0.3),
]
POWER_SETTINGS = [("difficulty", 0.35), ("equal", 0.25), ("uneven", 0.15), ("sparse", 0.1), ("contrast", 0.1)]
SIZES = (25, 50, 100, 200, 400, 800, 1600)
FEATURES = 25


def standard_error(rate: float, reps: int) -> float:
    """Monte-Carlo standard error of a rate."""
    return math.sqrt(rate * (1 - rate) / reps)


def documents_for(sizes: Sequence[int], rates: Sequence[float], wanted: float = 0.8) -> str:
    """Where the rate first reaches what is wanted."""
    if rates[0] >= wanted:
        return f"<= {sizes[0]}"
    for (small, low), (large, high) in zip(
        zip(sizes, rates, strict=True), zip(sizes[1:], rates[1:], strict=False), strict=False
    ):
        if low < wanted <= high:
            return f"{math.exp(np.interp(wanted, [low, high], np.log([small, large]))):.0f}"
    return f"> {sizes[-1]}"


def null_part(reps: int, permutations: int) -> None:
    """Rejection rates where nothing differs."""
    print(f"\nNull, {FEATURES} features, {reps} simulated audits a row")
    print(
        f"{'docs/side':>10}{'windows':>9}{'ICC':>6}{'ours <=.05':>12}{'ours <=.01':>12}"
        f"{'one split <=.05':>17}{'one split <=.01':>17}{'10 splits <.1':>15}{'largest s.e.':>14}"
    )
    for documents, windows, icc in NULL_SETTINGS:
        ours, single, combined = [], [], []
        for seed in range(reps):
            rng = np.random.default_rng([seed, documents, windows])
            drawn = sample(rng, documents, columns=FEATURES, windows=windows, icc=icc)
            ours.append(
                separability(document_rows(drawn), rng=rng, alpha=0.05, permutations=permutations, bootstraps=2).p_value
            )
            theirs = llm_dataset_inference(drawn.values, drawn.suspect, rng=rng)
            single.append(theirs.seed_p_values[0])
            combined.append(theirs.detects)
        rates = [
            *(np.mean(np.array(ours) <= level + 1e-12) for level in (0.05, 0.01)),
            *(np.mean(np.array(single) <= level) for level in (0.05, 0.01)),
            np.mean(combined),
        ]
        cells = "".join(f"{rate:>{width}.3f}" for rate, width in zip(rates, (12, 12, 17, 17, 15), strict=True))
        worst = max(standard_error(float(rate), reps) for rate in rates)
        print(f"{documents:>10}{windows:>9}{icc:>6}{cells}{worst:>14.3f}", flush=True)


def power_part(reps: int, permutations: int) -> None:
    """Shares of audits that find a planted effect, by number of documents."""
    print(f"\nPower, {FEATURES} features, one window a document, {reps} simulated audits a cell")
    print(f"{'effect':>20}{'procedure':>24}" + "".join(f"{size:>7}" for size in SIZES) + f"{'docs for 80 %':>15}")
    for shape, effect in POWER_SETTINGS:
        found: dict[str, list[float]] = {"ours, p <= .05": [], "ours, p <= .01": [], "LLM-DI one split .05": []}
        found["LLM-DI 10 splits .1"] = []
        for documents in SIZES:
            hits = np.zeros((reps, 4), dtype=bool)
            for seed in range(reps):
                rng = np.random.default_rng([seed, documents])
                drawn = sample(rng, documents, columns=FEATURES, effect=effect, shape=shape)
                p = separability(
                    document_rows(drawn), rng=rng, alpha=0.05, permutations=permutations, bootstraps=2
                ).p_value
                theirs = llm_dataset_inference(drawn.values, drawn.suspect, rng=rng)
                hits[seed] = (p <= 0.05, p <= 0.01, theirs.seed_p_values[0] <= 0.05, theirs.detects)
            for rates, rate in zip(found.values(), hits.mean(axis=0), strict=True):
                rates.append(float(rate))
        for name, rates in found.items():
            cells = "".join(f"{rate:>7.2f}" for rate in rates)
            print(f"{f'{shape} {effect} sd':>20}{name:>24}{cells}{documents_for(SIZES, rates):>15}", flush=True)


PARTS = {"null": null_part, "power": power_part}


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=sorted(PARTS), nargs="+", default=sorted(PARTS))
    parser.add_argument("--reps", type=int, default=200)
    parser.add_argument("--permutations", type=int, default=999)
    options = parser.parse_args()
    for name in options.part:
        PARTS[name](options.reps, options.permutations)


if __name__ == "__main__":
    main()
