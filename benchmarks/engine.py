"""Time and memory of the engine: 9,999 refits at 500 to 8,000 groups.

    OMP_NUM_THREADS=2 python benchmarks/engine.py

Memory is the peak of the process above what it held before the call, each size in a process of its own. If anything
were of the size of groups x groups, it would grow sixteen-fold for every fourfold of the groups.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time

import numpy as np
from simulate import document_rows, sample

from auditor.inference.separability import separability


def measure(groups: int, columns: int, permutations: int) -> tuple[float, float]:
    """Seconds and peak MiB of one call."""
    rows = document_rows(sample(np.random.default_rng(0), groups // 2, columns=columns, effect=0.05))
    separability(
        document_rows(sample(np.random.default_rng(0), 20, columns=columns)),
        rng=np.random.default_rng(0),
        alpha=0.01,
        permutations=99,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    separability(rows, rng=np.random.default_rng(1), alpha=0.01, permutations=permutations)
    seconds = time.perf_counter() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--columns", type=int, default=64)
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument("--groups", type=int, nargs="+", default=[500, 1000, 2000, 4000, 8000])
    options = parser.parse_args()
    print(f"{options.columns} columns, {options.permutations} permutations with refit, 5 folds, 1000 bootstraps")
    print(f"{'groups':>8}{'seconds':>10}{'peak MiB':>10}{'groups^2 x 8 bytes, MiB':>26}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for groups in options.groups:
            seconds, peak = pool.apply(measure, (groups, options.columns, options.permutations))
            print(f"{groups:>8}{seconds:>10.2f}{peak:>10.0f}{groups**2 * 8 / 2**20:>26.0f}", flush=True)


if __name__ == "__main__":
    main()
