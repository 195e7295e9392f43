"""The scores must be figures of the model, not of its batches."""

from __future__ import annotations

from dataclasses import replace

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.membership.guards.numerics import judge_probes
from auditor.results.policy import Policy

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
    if case.commitment.design not in _PROSE:
        # A plant may be words without an order.
        probes = {label: replace(probe, shuffled=0, disordered=0) for label, probe in probes.items()}
    outcome = judge_probes(probes, Policy())
    if outcome.status == "failed":
        return Finding("failed", outcome.reason, outcome.remediation)
    worst = max(probe.batch_difference for probe in probes.values())
    return Finding("passed", f"Texts alone and in batches agree to {worst:.1g} nats a token under every model.")
