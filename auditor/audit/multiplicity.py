"""BatchCorrection: the correction of the verdicts of a batch for how many audits it holds.

Each audit brings one p-value, and those of all audits are corrected together. Null of each: the suspect documents of
that audit are exchangeable with the held-out ones, in the sense of its tests. Holm (1979) bounds the chance of one or
more false EVIDENCE in the whole batch by the largest level among its audits, under any dependence, and audits that
share texts and models depend on each other. Benjamini and Hochberg (1995) bound the expected share of false ones among
all EVIDENCE, for positively dependent p-values and one level for all audits.

An audit can come to EVIDENCE in one or more ways, each with a p-value of its own. Its one p-value is that of the way
its verdict rests on, times the number of ways: never less than their Bonferroni minimum, so it is valid whichever way
is looked at. How many ways there are depends on what was asked, never on what was found: an intervention that was not
needed, or could not be run, counts.

Only what can become EVIDENCE may count as a rejection, or the others would be held against too mild a level under
Benjamini and Hochberg. So an audit that does not say EVIDENCE although the p-value of its way is at or below its level
(a guard refused it, or the placebo set stood out) counts with a p-value of 1, and so does one that broke. A p-value
that is only ever made larger stays valid, and the number of audits is that of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.audit.limitations import limitations
from auditor.inference.multiplicity import CORRECTIONS
from auditor.results.correction import NAMES, Correction, Hypothesis
from auditor.results.forgetting.relearning import Probe
from auditor.results.forgetting.states import STATES
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult, BatchCorrection, Verdict

_LOST = "multiplicity"


def hypotheses(result: AuditResult) -> dict[Hypothesis, float]:
    """The p-values on which an audit can come to EVIDENCE.

    A `check`: `membership`, the permutation p-value of its test; also beside a series, which can only take EVIDENCE
    back. A `forget`, at its last checkpoint, of which alone its verdict speaks:

    - `detection`: the engine's p-value, corrected over checkpoints.
    - `inversion`: that the suspect set came to score worse than held-out. The larger of two p-values, of the change
      since the origin and of the gap, each corrected over checkpoints: both have to hold (intersection-union test).
    - `recovery`, where interventions were asked for: the smallest of their p-values there, each corrected over
      interventions and checkpoints, so that the smallest is a p-value of their joint null. One whose placebo set came
      back too shows nothing and counts 1; so does the whole where none was run.

    Args:
        result: A finished audit.

    Returns:
        By name; which there are depends on what was asked and on nothing that was found.
    """
    series = result.deciding_series
    if series is None:
        return {"membership": result.membership.p_value}
    last = series.checkpoints[-1]
    found: dict[Hypothesis, float] = {"detection": last.detection.p_adjusted}
    change = last.suspect.did_p_adjusted
    found["inversion"] = 1.0 if change is None else max(change, last.suspect.gap_p_adjusted)
    probes = () if last.relearning is None else last.relearning.probes
    if probes or _asked_to_relearn(result):
        level = series.thresholds.relearn_alpha
        found["recovery"] = min((_recovery(probe, level) for probe in probes), default=1.0)
    return found


def rests_on(result: AuditResult) -> Hypothesis:
    """The hypothesis that makes the verdict EVIDENCE, or would have to for any other verdict to be it.

    Of a `forget` it is that of the state of its last checkpoint.
    """
    series = result.deciding_series
    return "membership" if series is None else STATES[series.checkpoints[-1].state.code].hypothesis


@dataclass(frozen=True, slots=True)
class CorrectionEntry:
    """What of an audit enters the correction.

    Attributes:
        p_value: Of the way its verdict rests on, as its report has it.
        ways: In how many ways it could come to EVIDENCE.
        counted: What the p-value counts for; see `counted`.
    """

    p_value: float
    n_hypotheses: int
    p_entered: float


def correction_entry(result: AuditResult) -> CorrectionEntry:
    """What of a finished audit enters the correction, the same before and after it."""
    ways = hypotheses(result)
    p = ways[rests_on(result)]
    return CorrectionEntry(p, len(ways), counted(p, len(ways), result.thresholds.alpha, result.verdict))


def counted(p: float, ways: int, alpha: float, verdict: Verdict) -> float:
    """What a p-value counts for in the correction.

    Args:
        p: Of the way the verdict rests on.
        ways: How many there are.
        alpha: The audit's level.
        verdict: Before or after the correction.

    Returns:
        `p` times the number of ways, at most 1; and 1 where the audit by itself is not EVIDENCE although `p` is at or
        below its level.
    """
    if p <= alpha and verdict.outcome != "EVIDENCE" and verdict.reason != _LOST:
        return 1.0
    return min(1.0, ways * p)


def apply_correction(result: AuditResult, correction: BatchCorrection) -> AuditResult:
    """A result with its correction and the verdict that is left, sealed again.

    Raises:
        ValueError: It has been corrected before.
    """
    if result.multiplicity is not None:
        raise ValueError("a result that is corrected already cannot be corrected again")
    left = corrected_verdict(result.verdict, correction, result.thresholds.alpha)
    said = limitations(result.guards, series=result.forgetting is not None, correction=correction)
    return with_content_digest(
        result.model_copy(update={"multiplicity": correction, "verdict": left, "limitations": said})
    )


def correct(
    standings: Sequence[CorrectionEntry], method: Correction, *, broken: int = 0
) -> tuple[BatchCorrection, ...]:
    """Correct the p-values of audits for each other.

    Args:
        standings: Of each audit that finished.
        method: How.
        broken: How many other audits broke; each counts with a p-value of 1.

    Returns:
        One for each of them.
    """
    audits = len(standings) + broken
    adjusted = CORRECTIONS[method]([*(one.p_entered for one in standings), *[1.0] * broken])
    return tuple(
        BatchCorrection(
            method=method,
            audits=audits,
            broken=broken,
            p_value=one.p_value,
            n_hypotheses=one.n_hypotheses,
            p_entered=one.p_entered,
            p_adjusted=after,
        )
        for one, after in zip(standings, adjusted[: len(standings)], strict=True)
    )


def corrected_verdict(verdict: Verdict, correction: BatchCorrection, alpha: float) -> Verdict:
    """The verdict that is left of one when the other audits of its batch are taken into account.

    EVIDENCE whose corrected p-value is above the level becomes INCONCLUSIVE. The others stay as they are: a p-value
    that does not reject by itself does not reject after a correction either, and what NO EVIDENCE says beside that, the
    effect that would have been seen, is of the one audit at its own level.

    Args:
        verdict: Of the audit by itself.
        correction: The correction.
        alpha: The audit's level.
    """
    if verdict.outcome != "EVIDENCE" or correction.p_adjusted <= alpha:
        return verdict
    ways = f" (times {correction.n_hypotheses}, for as many ways to EVIDENCE)" if correction.n_hypotheses > 1 else ""
    return Verdict(
        outcome="INCONCLUSIVE",
        reason=_LOST,
        sentence="By itself this audit would be EVIDENCE. Its p-value is "
        f"{correction.p_value:.2g}{ways}; corrected over "
        f"{correction.over} ({NAMES[correction.method]}) it is {correction.p_adjusted:.2g}, "
        f"above the level of {alpha:g}: "
        f"{'with so many ways' if correction.audits == 1 else 'among so many'}, one as small may be chance.",
        not_meaning="It says neither that the documents were used nor that they were not.",
        remediation="Give this audit more independent documents, so that its own p-value "
        "falls; if it is small because of the "
        "number of permutations, raise --permutations; or ask fewer questions, chosen before any result is seen.",
        validity_class=verdict.validity_class,
        validity=verdict.validity,
    )


def _recovery(probe: Probe, level: float) -> float:
    control = probe.placebo_p_value
    return probe.p_adjusted if control is None or control > level else 1.0


def _asked_to_relearn(result: AuditResult) -> bool:
    series = result.manifest.configuration.get("series")
    return isinstance(series, dict) and bool(series.get("relearn"))
