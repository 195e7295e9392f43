"""What it takes to run an audit again: configuration, versions, and the digests of what went in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from auditor.audit.choices import nondefault_settings
from auditor.core.digests import canonical_sha256, packages, platform_name
from auditor.core.version import VERSION
from auditor.features.feature import Feature
from auditor.results.result import ExcludedFeature, FeatureNote, Manifest, ModelSummary
from auditor.results.rows import Column
from auditor.settings import AuditSettings, RunOptions

if TYPE_CHECKING:
    from auditor.audit.inputs import AuditInputs
    from auditor.audit.open import OpenAudit


def make_manifest(audit: OpenAudit, options: RunOptions, *, scored: int, stored: int) -> Manifest:
    """Describe a run; the columns of its test are known once it is concluded.

    Args:
        audit: The audit.
        options: The command line that reproduces it; the call from Python by default.
        scored: Texts scored in this run.
        stored: Texts whose scores were already in the store.
    """
    settings, models = audit.settings, audit.models
    checkpoints = () if audit.series is None else audit.series.scoring.checkpoints
    configuration = settings.model_dump(mode="json")
    return Manifest(
        auditor_version=VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command or python_call(settings),
        seed=settings.seed,
        configuration=configuration,
        configuration_sha256=canonical_sha256(configuration),
        nondefault_settings=nondefault_settings(settings),
        packages=packages(),
        platform=platform_name(),
        models=(
            ModelSummary.of(models.target.identity, "target"),
            *(ModelSummary.of(spec.identity, "reference") for spec in models.references),
            *(ModelSummary.of(one.spec.identity, "checkpoint", one.name) for one in checkpoints),
        ),
        features=(),
        texts_scored=scored,
        texts_from_store=stored,
    )


def feature_notes(columns: Sequence[Column], features: Sequence[Feature]) -> tuple[FeatureNote, ...]:
    """What each column measures; a column of one of several references is its feature's name, `@`, and the label."""
    known = {feature.name: feature for feature in features}
    return tuple(
        FeatureNote(name=column.name, summary=feature.summary, source=feature.source)
        for column in columns
        if (feature := known.get(column.name.partition("@")[0])) is not None
    )


def excluded_features(
    features: Sequence[Feature], inputs: AuditInputs, tested: Sequence[Column]
) -> tuple[ExcludedFeature, ...]:
    """The features that were selected and are not part of the test.

    Args:
        features: The selection; in a series that decides, those that compare with a reference are not part of it.
        inputs: What was computed, and why values are missing.
        tested: Columns of the test.
    """
    names, reasons = inputs.measurements.features.names, inputs.measurements.reasons
    computed = {name.partition("@")[0] for name in names}
    in_test = {column.name for column in tested}

    def reason(name: str) -> str:
        most = max(reasons[name].items(), key=lambda item: item[1], default=None)
        example = f" ({most[0]})" if most else ""
        return f"more than {inputs.settings.policy.most_missing:.0%} of the groups have no value{example}"

    without = [feature.name for feature in features if feature.name not in computed]
    if inputs.settings.deciding_series is not None:
        without = []
    return (
        *(ExcludedFeature(name=name, reason="no reference model was given") for name in without),
        *(ExcludedFeature(name=name, reason=reason(name)) for name in names if name not in in_test),
    )


def default_name(settings: AuditSettings) -> str:
    """The two sets and the model, or the checkpoints, by the last parts of their paths."""
    suspect, heldout, model = (
        PurePath(part).name or part for part in (settings.suspect, settings.heldout, settings.model)
    )
    if settings.deciding_series is not None:
        checkpoints = ", ".join(name for name, _ in settings.deciding_series.checkpoints)
        return f"{suspect} against {heldout} over {checkpoints}"
    return f"{suspect} against {heldout} on {model}"


def python_call(settings: AuditSettings) -> str:
    """The call from Python that reproduces the audit."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True)
    arguments = [repr(chosen.pop("suspect")), repr(chosen.pop("heldout"))]
    series = chosen.pop("series", None)
    kind = chosen.pop("kind", "check")
    if kind == "forget":
        del chosen["model"], chosen["features"]
    if series is not None:
        series["checkpoints"] = dict(series["checkpoints"])
        if "tasks" in series:
            series["tasks"] = dict(series["tasks"])
        if "policy" in series:
            series["forgetting_policy"] = series.pop("policy")
        chosen = {**series, **chosen}
    return f"auditor.{kind}({', '.join([*arguments, *(f'{key}={value!r}' for key, value in chosen.items())])})"
