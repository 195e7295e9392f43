"""What it takes to run an audit again: configuration, versions, and the digests of what went in."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from auditor.core.digests import canonical_sha256, packages
from auditor.core.version import VERSION
from auditor.features.feature import Feature
from auditor.features.table import TARGET_LABEL
from auditor.results.models import ModelIdentity
from auditor.results.result import ExcludedFeature, FeatureNote, Manifest, ModelSummary
from auditor.results.rows import Column, FeatureTable
from auditor.settings import AuditSettings


def make_manifest(
    settings: AuditSettings,
    *,
    command: str,
    models: Mapping[str, ModelIdentity],
    checkpoints: Mapping[str, ModelIdentity],
    scored: int,
    stored: int,
) -> Manifest:
    """Describe a run; the columns of its test are known once it is concluded.

    Args:
        settings: What was asked.
        command: The command line that reproduces it.
        models: The models scored, by label.
        checkpoints: The checkpoints of the series by name, in their order.
        scored: Texts scored in this run.
        stored: Texts whose scores were already in the store.
    """
    configuration = settings.model_dump(mode="json")
    return Manifest(
        auditor_version=VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        seed=settings.seed,
        configuration=configuration,
        configuration_sha256=canonical_sha256(configuration),
        packages=packages(),
        platform=f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        models=(
            *(_model("target" if label == TARGET_LABEL else "reference", model) for label, model in models.items()),
            *(_model("checkpoint", model, name) for name, model in checkpoints.items()),
        ),
        features=(),
        texts_scored=scored,
        texts_from_store=stored,
    )


def _model(role: Literal["target", "reference", "checkpoint"], identity: ModelIdentity, name: str = "") -> ModelSummary:
    return ModelSummary(
        role=role,
        name=name,
        source=identity.source,
        kind=identity.kind,
        revision=identity.revision,
        weights_sha256=identity.weights_sha256,
        tokenizer_sha256=identity.tokenizer_sha256,
        dtype=identity.dtype,
        device=identity.device,
        context=identity.context,
        bos=identity.bos,
        details=dict(identity.details),
    )


def feature_notes(columns: Sequence[Column], features: Sequence[Feature]) -> tuple[FeatureNote, ...]:
    """What each column measures; a column of one of several references is its feature's name, `@`, and the label."""
    known = {feature.name: feature for feature in features}
    return tuple(
        FeatureNote(name=column.name, summary=feature.summary, source=feature.source)
        for column in columns
        if (feature := known.get(column.name.partition("@")[0])) is not None
    )


def left_out(
    features: Sequence[Feature],
    table: FeatureTable,
    reasons: Mapping[str, Mapping[str, int]],
    tested: Sequence[Column],
    most_missing: float,
) -> tuple[ExcludedFeature, ...]:
    """The features that were selected and are not part of the test.

    Args:
        features: The selection.
        table: What was computed.
        reasons: For each of its columns, why values are missing and how many for that reason.
        tested: Columns of the test.
        most_missing: Largest share of groups without a value that a column of the test may have.
    """
    computed = {name.partition("@")[0] for name in table.names}
    kept = {column.name for column in tested}

    def why(name: str) -> str:
        most = max(reasons[name].items(), key=lambda item: item[1], default=None)
        reason = f" ({most[0]})" if most else ""
        return f"more than {most_missing:.0%} of the groups have no value{reason}"

    without = [
        ExcludedFeature(name=f.name, reason="no reference model was given") for f in features if f.name not in computed
    ]
    return (*without, *(ExcludedFeature(name=name, reason=why(name)) for name in table.names if name not in kept))
