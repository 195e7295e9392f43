"""What it takes to run an audit again: configuration, versions, and the digests of what went in."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from auditor.features.feature import Feature
from auditor.inference.rows import Column
from auditor.result import FeatureNote, Manifest, ModelSummary
from auditor.settings import CheckSettings
from auditor.version import VERSION

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "peft",
    "numpy",
    "scipy",
    "scikit-learn",
    "datasketch",
)


def make_manifest(
    settings: CheckSettings,
    *,
    command: str,
    models: Sequence[ModelSummary],
    features: Sequence[str],
    scored: int,
    stored: int,
) -> Manifest:
    """Describe a run.

    Args:
        settings: What was asked.
        command: The command line that reproduces it.
        models: The models scored.
        features: Names of the columns of the test.
        scored: Texts scored in this run.
        stored: Texts whose scores were already in the store.
    """
    configuration = settings.model_dump(mode="json")
    canonical = json.dumps(configuration, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Manifest(
        auditor_version=VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        seed=settings.seed,
        configuration=configuration,
        configuration_sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        packages={name: version for name in PACKAGES if (version := _version(name)) is not None},
        platform=f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        models=tuple(models),
        features=tuple(features),
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


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
