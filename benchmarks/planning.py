"""Does an audit of the planned size find what `auditor plan` says it finds?

    python benchmarks/planning.py --reps 100

`test`: simulated audits with the groups that the plan asks for the membership test; the share that rejects should be
the power asked for or more. Three kinds of data: independent features and features that share half their variance,
each shifted alike (the plan's own assumption), and data that break it: heavy tails, features correlated by chance, and
a gain that differs between documents from none to twice the mean.
`evidence`: audits with the groups that the plan asks for EVIDENCE, held against the test and the excess guard beside
text that says nothing.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from simulate import document_rows, sample

from auditor.inference.auc import auc
from auditor.inference.design import normal_scores
from auditor.inference.excess import excess_auc
from auditor.inference.power import auc_of_shift, shift_of_auc
from auditor.inference.separability import separability
from auditor.power.rows import feature_rows, planned_columns, text_alone_rows
from auditor.power.sample_size import PowerAnalysis, analyse_power
from auditor.results.policy import Policy
from auditor.results.rows import Rows

Draw = Callable[[int, float, np.random.Generator], Rows]

EFFECTS = (0.55, 0.6, 0.65, 0.7)
POLICY = Policy()
COLUMNS = planned_columns("default", reference=False)
_PROBE = 0.3


def shifted(common: float) -> Draw:
    """Rows as the plan assumes them."""
    return lambda groups, effect, rng: feature_rows(COLUMNS, groups, effect, common, rng)


def gain_for(effect: float) -> float:
    """The gain of `simulate.sample` at which the mean of the normal scores has an AUC, found on large samples."""
    areas = []
    for seed in range(20):
        rows = uneven(1000, auc_of_shift(_PROBE), np.random.default_rng([seed, 1]), gain=_PROBE)
        areas.append(auc(normal_scores(rows.values).mean(axis=1), rows.suspect))
    return _PROBE * shift_of_auc(effect) / shift_of_auc(float(np.mean(areas)))


def uneven(groups: int, effect: float, rng: np.random.Generator, *, gain: float | None = None) -> Rows:
    """Heavy tails, and a gain of its own for every document; families and directions as in the default features."""
    size = gain_for(effect) if gain is None else gain
    rows = document_rows(sample(rng, groups, columns=len(COLUMNS), effect=size, shape="equal", heavy=True))
    signs = np.array([column.direction or 1 for column in COLUMNS], dtype=np.float64)
    return replace(rows, values=rows.values * signs, columns=COLUMNS)


def rate(hits: int, reps: int) -> str:
    """A share with its Monte-Carlo standard error."""
    share = hits / reps
    return f"{share:.2f} ({math.sqrt(share * (1 - share) / reps):.2f})"


def test_part(plans: dict[float, PowerAnalysis], reps: int, permutations: int) -> None:
    """Power of the test at the planned size."""
    print(f"\nThe test at the planned size, {reps} simulated audits a cell; share that rejects (its standard error)")
    print(f"{'AUC':>5}{'groups a side':>15}{'independent':>15}{'half shared':>15}{'uneven, heavy':>15}{'seconds':>9}")
    for effect, plan in plans.items():
        started, groups = time.process_time(), plan.test or 0
        gain = gain_for(effect)
        draws: tuple[Draw, ...] = (
            shifted(0.0),
            shifted(0.5),
            partial(uneven, gain=gain),
        )
        cells = []
        for number, draw in enumerate(draws):
            hits = 0
            for seed in range(reps):
                rng = np.random.default_rng([seed, groups, number])
                rows = draw(groups, effect, rng)
                found = separability(rows, rng=rng, alpha=POLICY.alpha, permutations=permutations, bootstraps=2)
                hits += found.p_value <= POLICY.alpha
            cells.append(rate(hits, reps))
        spent = time.process_time() - started
        print(f"{effect:>5}{groups:>15}" + "".join(f"{cell:>15}" for cell in cells) + f"{spent:>9.0f}", flush=True)


def evidence_part(plans: dict[float, PowerAnalysis], reps: int, permutations: int) -> None:
    """Share of audits that pass both the test and the excess guard."""
    print(f"\nEVIDENCE, {reps} simulated audits a cell; share that rejects and passes the excess guard")
    print(f"{'AUC':>5}{'features':>15}{'groups of the test':>20}{'share':>13}{'groups planned':>16}{'share':>13}")
    for effect, plan in plans.items():
        kinds = (("half shared", 0.5, plan.evidence_correlated), ("independent", 0.0, plan.evidence_independent))
        for name, common, planned in kinds:
            cells = ""
            for groups, width in ((plan.test or 0, 20), (planned or 0, 16)):
                hits = sum(evident(groups, effect, common, seed, permutations) for seed in range(reps))
                cells += f"{groups:>{width}}{rate(hits, reps):>13}"
            print(f"{effect:>5}{name:>15}{cells}", flush=True)


def evident(groups: int, effect: float, common: float, seed: int, permutations: int) -> bool:
    """Whether one simulated audit rejects and passes the excess guard."""
    rng = np.random.default_rng([seed, groups, 7])
    rows = feature_rows(COLUMNS, groups, effect, common, rng)
    membership = separability(rows, rng=rng, alpha=POLICY.alpha, permutations=permutations, bootstraps=2)
    if membership.p_value > POLICY.alpha:
        return False
    text = separability(text_alone_rows(groups, rng), rng=rng, alpha=0.05, permutations=199, bootstraps=2)
    return excess_auc(membership, text, rows.suspect, level=POLICY.excess_level, rng=rng, bootstraps=500).lower > 0


PARTS = {"test": test_part, "evidence": evidence_part}


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=sorted(PARTS), nargs="+", default=["test", "evidence"])
    parser.add_argument("--effects", type=float, nargs="+", default=list(EFFECTS))
    parser.add_argument("--reps", type=int, default=100)
    parser.add_argument("--permutations", type=int, default=999)
    options = parser.parse_args()
    plans = {effect: analyse_power(effect, policy=POLICY) for effect in options.effects}
    for name in options.part:
        PARTS[name](plans, options.reps, options.permutations)


if __name__ == "__main__":
    main()
