"""What an audit cannot say, written out for its report."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.text import lower_first
from auditor.inference.batch_correction import batch_limitation
from auditor.results.guards import GuardResult
from auditor.results.result import BatchCorrection, Manifest
from auditor.results.separability import RowOrder

ALIKE = 0.01
"""Level at which the resemblance of neighbouring groups is mentioned as a limit."""

_ALWAYS = (
    "The audit is about the set as a whole. Scores of single documents are a lead for a reader, not a finding.",
    "It rests on the held-out documents being like the suspect ones but for training, and on their not having been "
    "trained on. The guards probe this; nothing in the data can prove it.",
    "A negative does not show that the documents were not used: paraphrases, single passes and later training weaken "
    "a trace.",
    "It speaks of the model files whose hashes stand in the manifest, not of other versions of the same name.",
)

_ONE = (
    "The p-value holds for one audit with settings fixed beforehand. A report cannot show how many audits were run; "
    "several need a correction for having looked several times."
)

_SERIES = (
    "Changes from checkpoint to checkpoint are safer to read than levels: a difference between the sets that has "
    "nothing to do with training is there at every checkpoint alike. They are not immune: training on text closer to "
    "one set than to the other moves the two apart.",
    "That nothing of the suspect set is found at a checkpoint, nor brought back by the interventions that were run, "
    "does not prove that it was deleted: other prompts, longer training or other attacks may still bring it back.",
    "Interventions test whether the trace of the set as a whole comes back. They say nothing of single documents.",
)


def limitations(
    guards: Sequence[GuardResult],
    manifest: Manifest | None = None,
    *,
    series: bool,
    correction: BatchCorrection | None = None,
    order: RowOrder | None = None,
) -> tuple[str, ...]:
    """The limits of every audit, then what each guard that passed cannot see, then the guards that did not run.

    Args:
        guards: Every guard.
        manifest: What went in; an adapter may have been scored over another base than it names.
        series: Whether checkpoints were compared.
        correction: The correction for the other audits of a batch; None outside one.
        order: Whether neighbouring held-out groups are alike.
    """
    blind_spots = tuple(
        f"The {guard.name} guard cannot see: {lower_first(guard.blind_spots)}"
        for guard in guards
        if guard.status == "passed"
    )
    not_run = tuple(
        f"The {guard.name} guard did not run: {lower_first(guard.reason)}"
        for guard in guards
        if guard.status == "not run"
    )
    sampling = _ONE if correction is None else batch_limitation(correction)
    alike = () if order is None or order.p_value > ALIKE else (_neighbours(order),)
    return (
        *_ALWAYS,
        *(() if manifest is None else _replaced_bases(manifest)),
        sampling,
        *(_SERIES if series else ()),
        *alike,
        *blind_spots,
        *not_run,
    )


def _replaced_bases(manifest: Manifest) -> tuple[str, ...]:
    """One sentence for each adapter that was scored over a base that the user named."""
    given = manifest.configuration.get("base")
    return tuple(
        f"The adapter {model.source} names {model.details['recorded_base'] or 'no model'} as its base. It was scored"
        f" over {given}, which was given in its place and is what it is compared with; the audit cannot show that the"
        " two are the same model."
        for model in {model.source: model for model in manifest.models}.values()
        if "recorded_base" in model.details
    )


def _neighbours(order: RowOrder) -> str:
    return (
        f"Held-out groups that follow each other resemble each other (p = {order.p_value:.2g}), most in runs of "
        f"{order.run_length:,}. If such runs are of one source, they are the true units: the audit then has fewer "
        f"groups than it counts, by a factor of about {order.variance_ratio:.2g}, and the groups should be named. If "
        "the file is sorted, it means nothing."
    )
