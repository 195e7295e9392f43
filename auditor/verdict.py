"""From figures and guards to one of three words. Nothing else decides."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.guards.guard import GuardResult
from auditor.guards.policy import Policy
from auditor.inference.power import groups_needed
from auditor.inference.separability_result import Separability
from auditor.result import Verdict

_VALIDITY = {
    "B": "The p-value is exact if suspect and held-out documents are exchangeable but for training, "
    "which the guards probe and cannot prove.",
    "C": "Descriptive only: a guard found the comparison unsound, so the p-value does not speak about training.",
}


def decide(membership: Separability, guards: Sequence[GuardResult], policy: Policy) -> Verdict:
    """Reach the verdict.

    Any failed guard makes it INCONCLUSIVE, whatever the p-value: an unsound comparison can hide a trace as well as fake
    one. Without a failed guard it is EVIDENCE if the membership test rejects at `policy.alpha`; NO EVIDENCE if it does
    not and the audit would have seen an effect of `policy.required_auc`; INCONCLUSIVE otherwise.

    Args:
        membership: The engine's answer.
        guards: All guards, in the order of the report.
        policy: The thresholds.
    """
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
            word="INCONCLUSIVE",
            reason=f"guard:{first.name}",
            sentence=f"The comparison cannot carry a verdict: {_lower(first.reason)}{more}",
            not_meaning="It says neither that the documents were used nor that they were not.",
            mend=" ".join(dict.fromkeys(guard.mend for guard in failed if guard.mend)),
            validity_class="C",
            validity=_VALIDITY["C"],
        )
    if membership.p_value <= policy.alpha:
        return Verdict(
            word="EVIDENCE",
            reason="separated",
            sentence=f"The suspect documents look trained on: the model tells them from the held-out ones ({effect}), "
            "and no guard found another explanation.",
            not_meaning="It does not say which documents were used, how often or by whom, and it holds only if the two "
            "sets are alike but for training.",
            validity_class="B",
            validity=_VALIDITY["B"],
        )
    if membership.detectable_auc is not None and membership.detectable_auc <= policy.required_auc:
        return Verdict(
            word="NO EVIDENCE",
            reason="not-separated",
            sentence=f"No evidence that the suspect documents were trained on ({effect}). An effect of AUC "
            f"{membership.detectable_auc:.2f} or more would have been found with {policy.power:.0%} power.",
            not_meaning="It does not show that the documents were not used: a weaker trace, a paraphrase or a single "
            "pass over them can stay below what this audit sees.",
            validity_class="B",
            validity=_VALIDITY["B"],
        )
    seen = "none" if membership.detectable_auc is None else f"only AUC {membership.detectable_auc:.2f} or more"
    needed = groups_needed(policy.required_auc, alpha=policy.alpha, power=policy.power)
    return Verdict(
        word="INCONCLUSIVE",
        reason="underpowered",
        sentence=f"Nothing was found ({effect}), but the audit is too small to say so: of the effects it asks about, "
        f"{seen} would have been found with {policy.power:.0%} power, where {policy.required_auc:.2f} is required.",
        not_meaning="It says neither that the documents were used nor that they were not.",
        mend=f"Give more independent documents: about {needed} groups a side, or more where the features are many.",
        validity_class="B",
        validity=_VALIDITY["B"],
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
