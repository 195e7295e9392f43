"""From figures and guards to one of three words. Nothing else decides."""

from __future__ import annotations

import math
from collections.abc import Sequence

from auditor.core.text import lower_first
from auditor.inference.power import shift_of_auc
from auditor.results.guards import GuardResult
from auditor.results.outcome import Grade
from auditor.results.policy import Policy
from auditor.results.result import NO_CONTROL, Verdict
from auditor.results.separability import Separability

_VALIDITY = {
    "B": "The p-value is exact if suspect and held-out documents are exchangeable but for training, "
    "which the guards probe and cannot prove.",
    "C": "Descriptive only: a guard failed, so the p-value does not speak about training.",
}


UNCONTROLLED = (
    "No control was compared (in a check a reference or base model that reads the texts about as well, in a series a "
    "placebo set or a clean origin): a difference between the two sets that no text column detects would look the same."
)
"""What the first paragraph of every output says of EVIDENCE without a control."""


def decide(membership: Separability, guards: Sequence[GuardResult], policy: Policy, *, controlled: bool) -> Verdict:
    """Reach the verdict.

    Any failed guard makes it INCONCLUSIVE, whatever the p-value: an unsound comparison can hide a trace as well as fake
    one. Without a failed guard it is EVIDENCE if the membership test rejects at `policy.alpha`; NO EVIDENCE if it does
    not and the audit would have seen an effect of `policy.required_auc`; INCONCLUSIVE otherwise.

    Args:
        membership: The engine's answer.
        guards: All guards, in the order of the report.
        policy: The thresholds.
        controlled: Whether models that cannot have seen the data went through the same test.
    """
    grade: Grade = "controlled" if controlled else "no control"
    effect = (
        f"AUC {membership.auc:.2f}, 95% interval {membership.auc_interval.low:.2f} to "
        f"{membership.auc_interval.high:.2f}, p = {membership.p_value:.2g}, {membership.groups_suspect} suspect and "
        f"{membership.groups_heldout} held-out groups"
    )
    failed = [guard for guard in guards if guard.status == "failed"]
    if failed:
        first, others = failed[0], failed[1:]
        more = f" ({', '.join(guard.name for guard in others)} failed as well.)" if others else ""
        return Verdict(
            outcome="INCONCLUSIVE",
            reason=f"guard:{first.name}",
            sentence=f"The comparison cannot carry a verdict: {lower_first(first.reason)}{more}",
            not_meaning="It says neither that the documents were used nor that they were not.",
            remediation=" ".join(dict.fromkeys(guard.remediation for guard in failed if guard.remediation)),
            validity_class="C",
            validity=_VALIDITY["C"],
            grade=grade,
        )
    if membership.p_value <= policy.alpha:
        return Verdict(
            outcome="EVIDENCE",
            reason="separated",
            sentence=f"The suspect documents look trained on: the model tells them from the held-out ones ({effect}), "
            f"and no guard found another explanation.{'' if controlled else ' ' + UNCONTROLLED}",
            not_meaning="It does not say which documents were used, how often or by whom, and it holds only if the two "
            "sets are alike but for training.",
            validity_class="B",
            validity=_VALIDITY["B"],
            grade=grade,
        )
    if membership.detectable_auc is not None and membership.detectable_auc <= policy.required_auc:
        return Verdict(
            outcome="NO EVIDENCE",
            reason="not-separated",
            sentence=f"No evidence that the suspect documents were trained on ({effect}). Had training moved all "
            f"features together, so that their mean had an AUC of {membership.detectable_auc:.2f}, the test would have "
            f"rejected with {policy.power:.0%} power; an effect in few of the features must be larger to be seen.",
            not_meaning="It does not show that the documents were not used: a weaker trace, a paraphrase or a single "
            "pass over them can stay below what this audit sees.",
            validity_class="B",
            validity=_VALIDITY["B"],
            grade=grade,
        )
    return Verdict(
        outcome="INCONCLUSIVE",
        reason="underpowered",
        sentence=f"Nothing was found ({effect}), but the audit is too small to say so: {_reach(membership, policy)}.",
        not_meaning="It says neither that the documents were used nor that they were not.",
        remediation=_more(membership, policy),
        validity_class="B",
        validity=_VALIDITY["B"],
        grade=grade,
    )


def require_control(verdict: Verdict) -> Verdict:
    """The verdict where EVIDENCE needs a control: without one it is INCONCLUSIVE."""
    if (verdict.outcome, verdict.grade) != NO_CONTROL:
        return verdict
    return Verdict(
        outcome="INCONCLUSIVE",
        reason="no-control",
        sentence=f"A control is required, and none was compared. Without that requirement: {verdict.sentence}",
        not_meaning="It says neither that the documents were used nor that they were not.",
        remediation="In a check, name a model with --reference that cannot have seen the suspect documents and reads "
        "them about as well, such as the base of a fine-tune or an older release; in a series, name a placebo set or "
        "an origin from before the documents.",
        validity_class=verdict.validity_class,
        validity=verdict.validity,
        grade=verdict.grade,
    )


def _reach(membership: Separability, policy: Policy) -> str:
    required = f"{policy.required_auc:.2f} is required"
    if membership.detectable_auc is None:
        return f"no effect, however large, would have been found with {policy.power:.0%} power, where {required}"
    return (
        f"all features together would have had to reach an AUC of {membership.detectable_auc:.2f} to be found with "
        f"{policy.power:.0%} power, where {required}"
    )


def _more(membership: Separability, policy: Policy) -> str:
    """How many groups would do: the number goes with the inverse square of the shift to be seen."""
    sides = (membership.groups_suspect, membership.groups_heldout)
    if membership.detectable_auc is None or membership.detectable_auc >= 1:
        return "Give more independent documents."
    ratio = shift_of_auc(membership.detectable_auc) / shift_of_auc(policy.required_auc)
    needed = math.ceil(2 / (1 / sides[0] + 1 / sides[1]) * ratio**2)
    return f"Give more independent documents: about {max(needed, min(sides) + 1)} groups a side."
