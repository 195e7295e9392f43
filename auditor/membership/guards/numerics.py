"""A backend must give correct figures before they are used."""

from __future__ import annotations

import math
from collections.abc import Mapping

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure
from auditor.results.policy import Policy
from auditor.results.rows import Numerics

_TOO_LARGE = 1e6
FEWEST_SHUFFLED = 8


@guard(
    name="numerics",
    order=70,
    question="Does the model give the same figures for a document alone as in a batch, and make sense of real text?",
    blind_spots="Errors that affect every document alike, such as a wrong checkpoint.",
    needs_working_model=True,
)
def numerics(case: GuardContext) -> GuardOutcome:
    """Compare the probes of every scored model with their limits."""
    return judge_probes(case.numerics, case.policy)


def judge_probes(probes: Mapping[str, Numerics], policy: Policy) -> GuardOutcome:
    """Judge the numerical probes of models.

    Args:
        probes: Probes by name of the model.
        policy: The limits.
    """
    tolerance = policy.batch_tolerance
    problems: list[str] = []
    figures: list[GuardFigure] = []
    for label, probe in probes.items():
        figures += [
            GuardFigure(
                name=f"{label}: batch against alone (nats a token)",
                value=_finite(probe.batch_difference),
                limit=tolerance,
            ),
            GuardFigure(name=f"{label}: largest difference of one token (nats)", value=_finite(probe.token_difference)),
            GuardFigure(
                name=f"{label}: share that reads better in order", value=_in_order(probe), limit=policy.ordered_share
            ),
        ]
        if not probe.batch_difference <= tolerance:
            problems.append(
                f"model {label} scores a document differently alone and in a batch "
                f"(by {probe.batch_difference:.3g} nats)"
            )
        if probe.shuffled >= FEWEST_SHUFFLED and _in_order(probe) < policy.ordered_share:
            problems.append(
                f"model {label} finds shuffled words as probable as the text "
                f"in {probe.disordered} of {probe.shuffled} documents"
            )
    if problems:
        sentence = "; ".join(problems)
        return GuardOutcome(
            "failed",
            f"{sentence[0].upper()}{sentence[1:]}.",
            "Score in float32 (--dtype float32), and check that the model and its tokenizer belong together.",
            tuple(figures),
        )
    worst = max((probe.batch_difference for probe in probes.values()), default=0.0)
    compared = sum(probe.shuffled for probe in probes.values())
    ordered = compared - sum(probe.disordered for probe in probes.values())
    return GuardOutcome(
        "passed",
        f"Documents alone and in batches agree to {worst:.1g} nats a token; {ordered} of {compared} probed texts are "
        "more probable in order than shuffled.",
        "",
        tuple(figures),
    )


def _in_order(probe: Numerics) -> float:
    """Share of probed documents whose words are more probable in order than shuffled."""
    return 1.0 - probe.disordered / probe.shuffled if probe.shuffled else 1.0


def _finite(value: float) -> float:
    """The difference, or a large number where it is not finite: results hold finite figures only."""
    return min(value, _TOO_LARGE) if math.isfinite(value) else _TOO_LARGE
