"""The model must be able to tell the candidates of a unit apart."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(
    name="alike", order=80, question="Do the candidates of a unit differ in the model's own tokens?", needs_scores=True
)
def alike(case: DealtCase) -> Finding:
    """Count the units of which two candidates have the same tokens."""
    if case.commitment.design == "holdout":
        return Finding("not run", "The documents of a dealt hold-out are not versions of each other.")
    units, same = len(case.measurements.units), len(case.measurements.alike)
    most = case.settings.policy.most_alike
    if same > most * units:
        return Finding(
            "failed",
            f"In {same:,} of {units:,} units two candidates have the same tokens under this model, more than "
            f"{most:.0%}: its tokenizer removes what "
            f"{'was planted' if case.material == 'plan' else 'tells them apart'}.",
            "Plant what tokenizers preserve: words, not invisible or look-alike characters."
            if case.material == "plan"
            else "Bring rows that are not repeated, or another model.",
        )
    return Finding("passed", f"In {units - same:,} of {units:,} units all candidates have tokens of their own.")
