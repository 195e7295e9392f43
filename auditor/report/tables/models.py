"""The engine's answer, the drift and the weights of each checkpoint."""

from __future__ import annotations

from auditor.report.series import label, series_of, spread
from auditor.report.tables.table import ReportTable, or_else, series_table
from auditor.report.text import (
    format_auc,
    format_estimate,
    format_fixed,
    format_interval,
    format_number,
    format_p,
    format_percent,
    format_z,
)
from auditor.results.forgetting.drift import LayerWeights
from auditor.results.forgetting.series import Checkpoint
from auditor.results.result import AuditResult

_WEIGHED = 8  # checkpoints whose weights are shown layer by layer
_ROWS = 120


def _checkpoints(result: AuditResult) -> tuple[Checkpoint, ...]:
    series = series_of(result)
    return series.checkpoints if series else ()


@series_table(name="engine", order=70, title="Detection")
def engine(result: AuditResult) -> ReportTable:
    """The engine on single-pass features."""
    alpha = result.thresholds.alpha
    rows = []
    for checkpoint in _checkpoints(result):
        detection, placebo = checkpoint.detection, checkpoint.placebo_p_adjusted
        detectable = detection.detectable_auc
        rows.append(
            (
                label(checkpoint.name),
                format_p(detection.p_value, alpha),
                format_p(detection.p_adjusted, alpha),
                f"{format_auc(detection.auc)} ({format_interval(detection.auc_interval)})",
                "no direction" if detection.mean_z is None else format_z(detection.mean_z, 0),
                "not stated" if detectable is None else format_fixed(detectable, result.thresholds.required_auc),
                "yes" if detection.detected else "no",
                "not given" if placebo is None else format_p(placebo, alpha),
            )
        )
    headers = ("Checkpoint", "p", "p (Holm)", "AUC", "Mean z", "Detectable AUC", "Detected", "Placebo p (Holm)")
    return ReportTable(headers, tuple(rows))


@series_table(
    name="change_test",
    order=75,
    title="Detection by the change since the origin",
    how_to_read="Each document is its own control: the test is on how far its loss (bits per byte) fell since the "
    "origin. The AUC is the share of pairs in which that of the suspect document fell more. The last p-value is of the "
    "change less what text and origin predict of it. Both tests are corrected together.",
)
def change_test(result: AuditResult) -> ReportTable:
    """The engine on the change of the loss at each later checkpoint."""
    alpha, series = result.thresholds.alpha, series_of(result)
    rows = []
    for checkpoint in _checkpoints(result):
        change = checkpoint.detection.change
        if change is not None and series is not None:
            rows.append(
                (
                    label(checkpoint.name),
                    format_p(change.p_value, alpha),
                    format_p(change.p_adjusted, alpha),
                    format_fixed(change.auc, series.thresholds.change_auc),
                    "no direction" if change.mean_z is None else format_z(change.mean_z, 0),
                    format_p(change.p_beyond, result.thresholds.excess_alpha),
                    "yes" if change.detected else "no",
                )
            )
    headers = ("Checkpoint", "p", "p (Holm)", "AUC", "z", "p beyond text and origin", "Detected")
    return ReportTable(headers, tuple(rows))


@series_table(name="guards", order=80, title="Status of the guards", in_summary=False)
def guards(result: AuditResult) -> ReportTable:
    """The status of every guard at every checkpoint."""
    checkpoints = _checkpoints(result)
    names = list(dict.fromkeys(guard.name for checkpoint in checkpoints for guard in checkpoint.detection.guards))
    rows = []
    for checkpoint in checkpoints:
        statuses = {guard.name: guard.status for guard in checkpoint.detection.guards}
        rows.append((label(checkpoint.name), *(statuses.get(name, "not run") for name in names)))
    return ReportTable(("Checkpoint", *map(label, names)), tuple(rows) if names else ())


@series_table(name="drift", order=90, title="Drift on general text")
def drift(result: AuditResult) -> ReportTable:
    """General text under each checkpoint."""
    rows = []
    for checkpoint in _checkpoints(result):
        general = checkpoint.general
        if general is not None:
            rows.append(
                (
                    label(checkpoint.name),
                    f"{general.documents:,}",
                    format_estimate(general.loss),
                    or_else(general.change, "origin", 0),
                    or_else(general.divergence, "origin", 0),
                    "origin" if general.covered is None else format_percent(general.covered),
                    or_else(general.agreement, "origin"),
                )
            )
    headers = (
        "Checkpoint",
        "Documents",
        "Loss (bits per byte)",
        "Change",
        "Divergence, at least (nats a token)",
        "Covered",
        "Same first choice",
    )
    return ReportTable(headers, tuple(rows))


@series_table(name="utility_loss", order=100, title="Utility loss")
def utility_loss(result: AuditResult) -> ReportTable:
    """The loss of each checkpoint relative to the origin."""
    rows = []
    for checkpoint in _checkpoints(result):
        loss = checkpoint.utility_loss
        rows.append(
            (label(checkpoint.name), "origin", "origin", "origin", "origin")
            if loss is None
            else (
                label(checkpoint.name),
                format_estimate(loss.ratio, 1, loss.limit),
                format_number(loss.limit),
                "yes" if loss.collapsed else "no",
                "general text" if loss.measured_on == "general" else "held-out text",
            )
        )
    return ReportTable(("Checkpoint", "Loss over that of the origin", "Limit", "Collapsed", "Measured on"), tuple(rows))


@series_table(name="weights", order=110, title="Change of the weights since the origin")
def weights(result: AuditResult) -> ReportTable:
    """The change of the weights as a whole."""
    rows = []
    for checkpoint in _checkpoints(result):
        compared = checkpoint.weights
        if compared is not None:
            change = compared.relative_change
            frozen = sum(layer.frozen for layer in compared.layers)
            rows.append(
                (
                    label(checkpoint.name),
                    compared.kind,
                    compared.reason,
                    "not compared" if change is None else format_number(change),
                    f"{frozen:,} of {len(compared.layers):,}" if compared.layers else "not compared",
                )
            )
    headers = ("Checkpoint", "Kind", "Finding", "Relative change", "Unchanged layers")
    return ReportTable(headers, tuple(rows), names=3)


@series_table(name="layer_weights", order=120, title="Relative change of the weights, layer by layer", in_summary=False)
def layer_weights(result: AuditResult) -> ReportTable:
    """Relative change and effective rank, a layer a row and a checkpoint a column."""
    compared = [checkpoint for checkpoint in _checkpoints(result) if checkpoint.weights and checkpoint.weights.layers]
    compared = [compared[index] for index in spread(len(compared), _WEIGHED)]
    by_name = [{layer.layer: layer for layer in c.weights.layers} for c in compared if c.weights]
    sizes = {name: layer.parameters for layers in by_name for name, layer in layers.items()}
    names = list(sizes)
    rows = [
        (label(name), f"{sizes[name]:,}", *(_change(layers.get(name)) for layers in by_name))
        for name in (names[index] for index in spread(len(names), _ROWS))
    ]
    return ReportTable(("Layer", "Parameters", *(label(checkpoint.name) for checkpoint in compared)), tuple(rows))


def _change(layer: LayerWeights | None) -> str:
    if layer is None:
        return "not compared"
    if layer.frozen:
        return "unchanged"
    if layer.effective_rank is None:
        return format_number(layer.relative_change)
    full = "" if layer.full_rank is None else f" of {layer.full_rank:,}"
    return f"{format_number(layer.relative_change)} (rank {format_number(layer.effective_rank)}{full})"
