"""The scores must be figures of the model, not of its batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.membership.guards.numerics import judge_probes
from auditor.results.guards import GuardFigure
from auditor.results.policy import Policy
from auditor.results.rows import Numerics

_TOO_LARGE = 1e6
_PROSE = ("holdout", "twins")


@condition(
    name="numerics",
    order=120,
    question="Does the model give the same figures for a text alone as in a batch, and make sense of prose?",
    needs_scores=True,
)
def numerics(case: DealtCase) -> Finding:
    """Compare the probes of every model with their limits."""
    probes = case.measurements.numerics
    if not probes:
        return Finding("failed", "No probe was recorded.", "Score the candidates again.")
    figures = tuple(_figures(probes))
    if case.commitment.design not in _PROSE:
        # A plant may be words without an order.
        probes = {label: replace(probe, shuffled=0, disordered=0) for label, probe in probes.items()}
    outcome = judge_probes(probes, Policy())
    if outcome.status == "failed":
        return Finding("failed", outcome.reason, outcome.remediation, figures)
    worst = max(probe.batch_difference for probe in probes.values())
    sentence = f"Texts alone and in batches agree to {worst:.1g} nats a token under every model."
    return Finding("passed", sentence, figures=figures)


def _figures(probes: Mapping[str, Numerics]) -> Iterator[GuardFigure]:
    limit = Policy().batch_tolerance
    for label, probe in probes.items():
        yield GuardFigure(
            name=f"{label}: batch against alone (nats a token)", value=_finite(probe.batch_difference), limit=limit
        )
        yield GuardFigure(
            name=f"{label}: largest difference of one token (nats)", value=_finite(probe.token_difference)
        )
        yield GuardFigure(name=f"{label}: texts compared with their words shuffled", value=probe.shuffled)
        yield GuardFigure(name=f"{label}: of these no better in order", value=probe.disordered)


def _finite(value: float) -> float:
    """The difference, or a large number where it is not finite: results hold finite figures only."""
    return min(value, _TOO_LARGE) if math.isfinite(value) else _TOO_LARGE
