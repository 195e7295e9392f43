"""How often each test of the tool rejects where its null is true, and how often each interval holds the truth.

    python benchmarks/levels.py
    python benchmarks/levels.py --only membership equivalence --reps 2000
    python benchmarks/levels.py --only canaries twins

One row a procedure, on simulated data of a known truth. `nominal` is what the procedure promises: a test at most that
often, an interval at least that often. The standard error is that of the simulation. A second table has the tests of
dealt text at three levels and three numbers of units.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from dealt_levels import DEALT, DRAWS, LEVELS, UNITS, scores
from scipy.stats import fisher_exact, norm
from simulate import mean_difference_pvalues

from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.relearn.curve import Losses, summarise_curve, units_of
from auditor.forgetting.tasks.accuracy import mcnemar
from auditor.inference.equivalence import equivalence_pvalue, mean_gap
from auditor.inference.excess import excess_auc
from auditor.inference.multiplicity import benjamini_hochberg, holm
from auditor.inference.neighbours import neighbour_test
from auditor.inference.null_splits import null_split_pvalues
from auditor.inference.power import shift_of_auc
from auditor.inference.separability import separability
from auditor.inference.spending import checkpoint_level
from auditor.inference.surcharge import paid_p
from auditor.inference.unit_ranks import rank_sum_test
from auditor.power.rows import feature_rows, planned_columns, text_alone_rows
from auditor.results.rows import Rows
from auditor.results.separability import Separability

COLUMNS = planned_columns("default", reference=False)
GROUPS = 50
PERMUTATIONS = 499
NO_PAIRS = np.empty((0, 2), dtype=np.intp)
SUSPECT = np.arange(2 * GROUPS) < GROUPS
NAMES = tuple(f"group-{number}" for number in range(2 * GROUPS))


@dataclass(frozen=True)
class Row:
    """One simulation.

    Attributes:
        name: What is simulated.
        promise: `at most` of a test, `about` of an interval.
        nominal: The rate promised.
        reps: How often by default.
        happens: One repetition: whether the test rejected, or the interval held the truth.
    """

    name: str
    promise: str
    nominal: float
    reps: int
    happens: Callable[[np.random.Generator], bool]


def membership(rng: np.random.Generator) -> bool:
    """Correlated features, nothing differs."""
    rows = feature_rows(COLUMNS, GROUPS, 0.5, 0.5, rng)
    return separability(rows, rng=rng, alpha=0.05, permutations=PERMUTATIONS, bootstraps=2).p_value <= 0.05


def blind(rng: np.random.Generator) -> bool:
    """Columns in the number and families of the text guards, nothing differs."""
    rows = text_alone_rows(GROUPS, rng)
    return separability(rows, rng=rng, alpha=0.05, permutations=PERMUTATIONS, bootstraps=2).p_value <= 0.05


def clusters(rng: np.random.Generator) -> bool:
    """Ten heavy clusters of documents, dealt to the sides one by one."""
    where = rng.standard_normal((10, 12))[rng.integers(0, 10, 2 * GROUPS)]
    found = neighbour_test(3 * where + rng.standard_normal(where.shape), SUSPECT, rng=rng, permutations=PERMUTATIONS)
    return found.p_value <= 0.05


def null_splits(rng: np.random.Generator) -> bool:
    """One side against itself, correlated columns."""
    rows = feature_rows(COLUMNS, GROUPS, 0.5, 0.5, rng)
    found = null_split_pvalues(rows, rng=rng, splits=100, permutations=999)
    return found.uniformity_p <= 0.05


def excess(rng: np.random.Generator) -> bool:
    """Neither the model nor the text tells the sets apart; the lower bound should not be above zero."""
    features, text = (
        separability(rows, rng=rng, alpha=0.05, permutations=199, bootstraps=2)
        for rows in (feature_rows(COLUMNS, GROUPS, 0.5, 0.5, rng), text_alone_rows(GROUPS, rng))
    )
    return excess_auc(features, text, SUSPECT, level=0.95, rng=rng, bootstraps=300).lower > 0


def uneven(rng: np.random.Generator) -> bool:
    """Fisher's exact test: a tenth of the groups has no value, alike on both sides."""
    hits = rng.binomial(GROUPS, 0.1, size=2)
    return float(fisher_exact([[hits[0], GROUPS - hits[0]], [hits[1], GROUPS - hits[1]]]).pvalue) <= 0.05


def gap(rng: np.random.Generator) -> bool:
    """Difference of mean losses, heavy tails."""
    values = rng.standard_t(3, (2 * GROUPS, 1))
    return mean_difference_pvalues(values, SUSPECT, NAMES, permutations=PERMUTATIONS, rng=rng)[0] <= 0.05


def gap_of_unequal_spreads(rng: np.random.Generator) -> bool:
    """Equal means, one side twice as spread and half as large: rows are not exchangeable."""
    suspect = np.arange(90) < 30
    values = np.where(suspect, 2.0, 1.0)[:, None] * rng.standard_normal((90, 1))
    names = tuple(f"group-{number}" for number in range(90))
    return mean_difference_pvalues(values, suspect, names, permutations=PERMUTATIONS, rng=rng)[0] <= 0.05


def equivalence(rng: np.random.Generator) -> bool:
    """A true gap of exactly the margin, 0.3 standard deviations; four times the groups, as fewer can never show it."""
    suspect = np.repeat(SUSPECT, 4)
    found = mean_gap(rng.standard_normal(len(suspect)) + 0.3 * suspect, suspect, NO_PAIRS)
    return equivalence_pvalue(found, 0.3 * found.spread) <= 0.05


def intervention(rng: np.random.Generator) -> bool:
    """Losses after three numbers of steps: what training changed does not depend on the side."""
    start = rng.standard_normal((2 * GROUPS, 1))
    steps = start - 0.3 * np.arange(4) + 0.5 * rng.standard_normal((2 * GROUPS, 4))
    units = units_of(Losses(steps, steps[None], NAMES, SUSPECT), rng)
    return summarise_curve(units, permutations=PERMUTATIONS, rng=rng).both <= 0.05


def mcnemar_test(rng: np.random.Generator) -> bool:
    """Sixty answers that changed, as often for the better as for the worse."""
    lost = int(rng.binomial(60, 0.5))
    return mcnemar(lost, 60 - lost) <= 0.05


def dealt_holdout(rng: np.random.Generator) -> bool:
    """The engine on a hold-out dealt by coins from ten clusters of documents with outliers, unlike each other."""
    fixed = np.random.default_rng(12)
    values = np.hstack([scores((2 * GROUPS, 1), fixed) for _ in COLUMNS])
    values += np.repeat(3 * fixed.standard_normal((10, len(COLUMNS))), GROUPS // 5, axis=0)
    rows = Rows(values=values, columns=COLUMNS, groups=NAMES, suspect=rng.permutation(SUSPECT))
    return separability(rows, rng=rng, alpha=0.05, permutations=PERMUTATIONS, bootstraps=2).p_value <= 0.05


def surcharge(rng: np.random.Generator) -> bool:
    """The luckiest of 1,024 keys over 20 canaries of 9 decoys, after the surcharge for as many."""
    ranks = rng.integers(0, 10, size=(1024, 20))
    return paid_p(rank_sum_test(ranks[ranks.sum(axis=1).argmax()], 9).p_value, 10) <= 0.05


def checkpoints(rng: np.random.Generator) -> bool:
    """The same 20 canaries at eight checkpoints whose scores drift: any p-value at or below its level."""
    drift = rng.standard_normal((8, 20, 10)).cumsum(axis=0)
    published = rng.integers(0, 10, size=20)
    own = drift[:, np.arange(20), published]
    ranks = (drift < own[:, :, None]).sum(axis=2)
    return any(rank_sum_test(row, 9).p_value <= checkpoint_level(j + 1, 0.05) for j, row in enumerate(ranks))


def _several(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Twenty correlated one-sided p-values, five of them of true effects."""
    effect = np.arange(20) < 5
    z = math.sqrt(0.3) * rng.standard_normal() + math.sqrt(0.7) * rng.standard_normal(20)
    return norm.sf(z + 3.0 * effect), effect


def holm_once(rng: np.random.Generator) -> bool:
    """Any false rejection among twenty."""
    p, effect = _several(rng)
    return bool(np.any((np.array(holm(p.tolist())) <= 0.05) & ~effect))


def benjamini_hochberg_share(rng: np.random.Generator) -> bool:
    """A rejection drawn at random among those made is false: the share of false ones, where there are any."""
    p, effect = _several(rng)
    rejected = np.flatnonzero(np.array(benjamini_hochberg(p.tolist())) <= 0.05)
    return bool(len(rejected) and not effect[rng.choice(rejected)])


def auc_interval(rng: np.random.Generator) -> bool:
    """Does the widened interval hold what the out-of-fold AUC is on average over audits of this size?"""
    found = _learned(rng, bootstraps=300)
    return found.auc_interval.low <= _expected_auc() <= found.auc_interval.high


def _learned(rng: np.random.Generator, bootstraps: int) -> Separability:
    rows = feature_rows(COLUMNS, GROUPS, 0.65, 0.5, rng)
    return separability(rows, rng=rng, alpha=0.05, permutations=199, bootstraps=bootstraps)


@cache
def _expected_auc() -> float:
    return float(np.mean([_learned(np.random.default_rng([seed, 12]), bootstraps=2).auc for seed in range(400)]))


def gap_interval(rng: np.random.Generator) -> bool:
    """Does the bootstrap interval by group hold a true gap of half a standard deviation?"""
    values = rng.standard_normal((2 * GROUPS, 1)) + 0.5 * SUSPECT[:, None]
    sampler = Resampler(SUSPECT, NO_PAIRS, bootstraps=400, rng=rng)
    samples = sampler.means(values, suspect=True) - sampler.means(values, suspect=False)
    found = estimate(float(values[SUSPECT].mean() - values[~SUSPECT].mean()), samples[:, 0])
    return found.low <= 0.5 <= found.high


def trace_interval(rng: np.random.Generator) -> bool:
    """Does the bootstrap interval of a fixed score's AUC hold the true one, 0.65?"""
    values = rng.standard_normal((2 * GROUPS, 1)) + shift_of_auc(0.65) * SUSPECT[:, None]
    sampler = Resampler(SUSPECT, NO_PAIRS, bootstraps=400, rng=rng)
    found = estimate(0.65, sampler.aucs(values)[:, 0])
    return found.low <= 0.65 <= found.high


ROWS = (
    Row("membership", "at most", 0.05, 1000, membership),
    Row("blind", "at most", 0.05, 600, blind),
    Row("clusters", "at most", 0.05, 1000, clusters),
    Row("null-splits", "at most", 0.05, 600, null_splits),
    Row("excess", "at most", 0.05, 400, excess),
    Row("uneven", "at most", 0.05, 2000, uneven),
    Row("gap", "at most", 0.05, 1000, gap),
    Row("gap, unequal spreads", "about", 0.05, 1000, gap_of_unequal_spreads),
    Row("equivalence", "at most", 0.05, 4000, equivalence),
    Row("intervention", "at most", 0.05, 1000, intervention),
    Row("mcnemar", "at most", 0.05, 2000, mcnemar_test),
    Row("holm", "at most", 0.05, 4000, holm_once),
    Row("benjamini-hochberg", "at most", 0.05, 4000, benjamini_hochberg_share),
    Row("dealt hold-out", "at most", 0.05, 4000, dealt_holdout),
    Row("surcharge", "at most", 0.05, 4000, surcharge),
    Row("checkpoints", "at most", 0.05, 4000, checkpoints),
    Row("interval of the membership AUC", "about", 0.95, 300, auc_interval),
    Row("interval of a gap", "about", 0.95, 1000, gap_interval),
    Row("interval of an AUC", "about", 0.95, 1000, trace_interval),
)


def main() -> None:
    """Run the rows asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=[row.name for row in (*ROWS, *DEALT)], nargs="+")
    parser.add_argument("--reps", type=int, help="Repetitions of each; its own number by default.")
    options = parser.parse_args()
    print(f"{'procedure':<32}{'promise':>14}{'measured':>10}{'s.e.':>8}{'audits':>8}{'seconds':>9}")
    for row in ROWS:
        if options.only and row.name not in options.only:
            continue
        reps, started = options.reps or row.reps, time.process_time()
        rate = np.mean([row.happens(np.random.default_rng([seed, 11])) for seed in range(reps)])
        error, spent = math.sqrt(rate * (1 - rate) / reps), time.process_time() - started
        promise = f"{row.promise} {row.nominal:.2f}"
        print(f"{row.name:<32}{promise:>14}{rate:>10.3f}{error:>8.3f}{reps:>8}{spent:>9.0f}", flush=True)
    print(f"\n{'dealt':<22}{'units':>6}" + "".join(f"{'at ' + str(level):>10}{'exact':>9}" for level in LEVELS))
    for dealt in DEALT:
        for units in UNITS if not options.only or dealt.name in options.only else ():
            p = dealt.p_values(units, options.reps or DRAWS, np.random.default_rng([units, 13]))
            cells = ""
            for level in LEVELS:
                exact = "" if dealt.attainable is None else f"{dealt.attainable(units, level):.5f}"
                cells += f"{np.mean(p <= level):>10.5f}{exact:>9}"
            print(f"{dealt.name:<22}{units:>6}{cells}", flush=True)


if __name__ == "__main__":
    main()
