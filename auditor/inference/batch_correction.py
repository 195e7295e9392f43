"""BatchCorrection: the correction of verdicts over the audits of a batch.

Each audit enters one p-value, and those of all audits are corrected together. Null of each: the suspect documents of
that audit are exchangeable with the held-out ones, in the sense of its tests; of a test of a plan, that the scores of
the model do not depend on the coins. Holm (1979) bounds the probability of one
or more false EVIDENCE in the whole batch by the largest level among its audits, under any dependence; audits that share
texts and models depend on each other. Benjamini and Hochberg (1995) bound the expected share of false ones among all
EVIDENCE, for positively dependent p-values and one level for all audits.

An audit tests one or more hypotheses, each of which can make its verdict EVIDENCE. It enters the p-value of the
hypothesis that its verdict rests on, times the number of hypotheses: never less than their Bonferroni minimum, so it is
valid whichever hypothesis that is. The number depends on the settings alone: an intervention that was not needed, or
could not be run, counts.

Only what can become EVIDENCE may count as a rejection, or the others would meet too mild a level under Benjamini and
Hochberg. So an audit whose verdict is not EVIDENCE although its p-value is at or below its level (a guard refused it,
or the placebo set stood out) enters a p-value of 1, and so does one that broke. A p-value that is only ever made larger
stays valid, and the number of audits is that of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from auditor.inference.multiplicity import CORRECTIONS
from auditor.results.correction import NAMES, Correction, Hypothesis
from auditor.results.dealt.result import DealtResult
from auditor.results.forgetting.relearning import Probe
from auditor.results.forgetting.states import STATES
from auditor.results.result import AuditResult, BatchCorrection, Verdict

_LOST = "multiplicity"


def hypothesis_names(*, series: bool, relearn: bool) -> tuple[Hypothesis, ...]:
    """The hypotheses by which an audit can come to EVIDENCE; see `hypotheses`.

    Args:
        series: Whether a series decides its verdict.
        relearn: Whether interventions are requested.
    """
    if not series:
        return ("membership",)
    return ("detection", "inversion", "recovery") if relearn else ("detection", "inversion")


def hypotheses(result: AuditResult | DealtResult) -> dict[Hypothesis, float]:
    """The p-values on which an audit can come to EVIDENCE.

    A `check`: `membership`, the permutation p-value of its test; also with a series, which can only withdraw EVIDENCE.
    A `forget`, at its last checkpoint, of which alone its verdict speaks:

    - `detection`: the smaller of the engine's p-values of the features and of the change of the loss since the origin,
      corrected over both and over checkpoints; where one of them alone makes the detection, its own.
    - `inversion`: that the suspect set scores worse than held-out. The larger of two p-values, of the change
      since the origin and of the gap, each corrected over checkpoints: both have to hold (intersection-union test).
    - `recovery`, where interventions are requested: the smallest of their p-values there, each corrected over
      interventions and checkpoints, so that the smallest is a p-value of their joint null. One whose placebo set
      recovers too shows nothing and counts 1; so does the whole where none was run.

    A `test` of a plan: `dealt`, its p-value after everything that it pays, which the choice between two tests is part
    of; null: the coins and the scores of the model are independent.

    Args:
        result: A finished audit.

    Returns:
        By name; which there are depends on the settings and on no figure.
    """
    if isinstance(result, DealtResult):
        return {"dealt": result.p_paid}
    series = result.deciding_series
    if series is None:
        return {"membership": result.membership.p_value}
    last, level = series.checkpoints[-1], series.thresholds.relearn_alpha
    change = last.suspect.did_p_adjusted
    probes = () if last.relearning is None else last.relearning.probes
    p_values: dict[Hypothesis, float] = {
        "detection": last.detection.p_supporting,
        "inversion": 1.0 if change is None else max(change, last.suspect.gap_p_adjusted),
        "recovery": min((_recovery(probe, level) for probe in probes), default=1.0),
    }
    relearn = bool(probes) or _relearning_requested(result)
    return {name: p_values[name] for name in hypothesis_names(series=True, relearn=relearn)}


def rests_on(result: AuditResult | DealtResult) -> Hypothesis:
    """The hypothesis that makes the verdict EVIDENCE, or would have to for any other verdict to be it.

    Of a `forget` it is that of the state of its last checkpoint.
    """
    if isinstance(result, DealtResult):
        return "dealt"
    series = result.deciding_series
    return "membership" if series is None else STATES[series.checkpoints[-1].state.code].hypothesis


@dataclass(frozen=True, slots=True)
class CorrectionEntry:
    """The part of an audit that enters the correction.

    Attributes:
        p_value: Of the hypothesis its verdict rests on, as its report has it.
        n_hypotheses: Number of hypotheses that can make it EVIDENCE.
        p_entered: The p-value that enters; see `entered`.
    """

    p_value: float
    n_hypotheses: int
    p_entered: float


def correction_entry(result: AuditResult | DealtResult) -> CorrectionEntry:
    """The entry of a finished audit, the same before and after the correction."""
    tested = hypotheses(result)
    p = tested[rests_on(result)]
    return CorrectionEntry(p, len(tested), entered(p, len(tested), result.level, result.verdict))


def entered(p: float, n_hypotheses: int, alpha: float, verdict: Verdict) -> float:
    """The p-value that enters the correction.

    Args:
        p: Of the hypothesis the verdict rests on.
        n_hypotheses: How many there are.
        alpha: The audit's level.
        verdict: Before or after the correction.

    Returns:
        `p` times the number of hypotheses, at most 1; and 1 where the audit by itself is not EVIDENCE although `p` is
        at or below its level.
    """
    if p <= alpha and verdict.outcome != "EVIDENCE" and verdict.reason != _LOST:
        return 1.0
    return min(1.0, n_hypotheses * p)


def correct(entries: Sequence[CorrectionEntry], method: Correction, *, broken: int = 0) -> tuple[BatchCorrection, ...]:
    """Correct the p-values of audits for each other.

    Args:
        entries: One for each audit that finished.
        method: The correction.
        broken: How many other audits broke; each counts with a p-value of 1.

    Returns:
        One for each of them.
    """
    audits = len(entries) + broken
    adjusted = CORRECTIONS[method]([*(entry.p_entered for entry in entries), *[1.0] * broken])
    return tuple(
        BatchCorrection(
            method=method,
            audits=audits,
            broken=broken,
            p_adjusted=p,
            **asdict(entry),
        )
        for entry, p in zip(entries, adjusted[: len(entries)], strict=True)
    )


def corrected_verdict(verdict: Verdict, correction: BatchCorrection, alpha: float) -> Verdict:
    """The verdict of an audit after the correction over its batch.

    EVIDENCE whose corrected p-value is above the level becomes INCONCLUSIVE. The others stay as they are: a p-value
    that does not reject by itself does not reject after a correction either, and the detectable effect that NO EVIDENCE
    names is that of the one audit at its own level.

    Args:
        verdict: Of the audit by itself.
        correction: The correction.
        alpha: The audit's level.
    """
    if verdict.outcome != "EVIDENCE" or correction.p_adjusted <= alpha:
        return verdict
    times = f" (times {correction.n_hypotheses}, for as many hypotheses)" if correction.n_hypotheses > 1 else ""
    among = "hypotheses" if correction.audits == 1 else "audits"
    return Verdict(
        outcome="INCONCLUSIVE",
        reason=_LOST,
        sentence=f"By itself this audit would be EVIDENCE. Its p-value is {correction.p_value:.2g}{times}; corrected "
        f"over {correction.over} ({NAMES[correction.method]}) it is {correction.p_adjusted:.2g}, above the level of "
        f"{alpha:g}: among that number of {among}, one p-value as small may be chance.",
        not_meaning="It says neither that the documents were used nor that they were not.",
        remediation="Give this audit more independent documents, so that its own p-value falls; if the number of "
        "permutations limits it, raise --permutations; or run fewer audits, chosen before any result is seen.",
        validity_class=verdict.validity_class,
        validity=verdict.validity,
        grade=verdict.grade,
    )


def batch_limitation(correction: BatchCorrection) -> str:
    """What a correction over a batch does not cover."""
    return (
        f"The p-value is corrected for all audits of its batch ({correction.over}), with settings fixed beforehand. "
        "A report cannot show how many other audits were run, nor how often this batch was; nothing is corrected for "
        "those."
    )


def _recovery(probe: Probe, level: float) -> float:
    control = probe.placebo_p_value
    return probe.p_adjusted if control is None or control > level else 1.0


def _relearning_requested(result: AuditResult) -> bool:
    series = result.manifest.configuration.get("series")
    return isinstance(series, dict) and bool(series.get("relearn"))
