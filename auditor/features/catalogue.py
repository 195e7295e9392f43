"""The catalogue: every feature of this package, and the selections a user may ask for."""

from __future__ import annotations

from collections import Counter

import auditor.features
from auditor.core.errors import RunError, UsageError
from auditor.core.registry import discover, pick
from auditor.features.feature import Feature

ALL = "all"


def all_features() -> tuple[Feature, ...]:
    """Every feature, by file and then in order of definition.

    Raises:
        RunError: A name is used twice, or for both a feature and a set.
    """
    features = discover(auditor.features, Feature)
    names = Counter(feature.name for feature in features)
    names.update({ALL}.union(*(feature.sets for feature in features)))
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        raise RunError(f"feature or set names used twice: {', '.join(twice)}", hint="Rename one of each.")
    return features


def feature_sets() -> dict[str, tuple[Feature, ...]]:
    """Every named selection with its features; `all` holds every feature."""
    features = all_features()
    names = sorted(frozenset().union(*(feature.sets for feature in features)))
    return {name: tuple(item for item in features if name in item.sets) for name in names} | {ALL: features}


def needs_reference(feature: Feature) -> bool:
    """Whether a feature compares with a reference model."""
    return any(view.model == "reference" for view in feature.views)


def require_reference(spec: str) -> None:
    """Refuse a selection that names a feature which cannot be computed without a reference model.

    A set such as `default` may hold such features; they are then left out, and the result says so.

    Raises:
        UsageError: A feature that needs a reference is named individually, or no feature is left without one.
    """
    chosen = select_features(spec)
    words = {word.strip() for word in spec.split(",")}
    named = [feature.name for feature in chosen if needs_reference(feature) and feature.name in words]
    if named or all(needs_reference(feature) for feature in chosen):
        names = ", ".join(named or [feature.name for feature in chosen])
        raise UsageError(
            f"these features compare with a reference model, and there is none: {names}",
            hint="Name a model that cannot have seen the suspect documents with --reference.",
        )


def select_features(spec: str) -> tuple[Feature, ...]:
    """Resolve a comma-separated list of feature names and set names.

    Args:
        spec: For instance `default`, `llm-di` or `single-pass,surp`.

    Returns:
        The features, each once, in the order of the catalogue whatever the order of the list.

    Raises:
        UsageError: A name is unknown, or the list is empty.
    """
    sets = feature_sets()
    known = sets | {feature.name: (feature,) for feature in sets[ALL]}
    words = [word.strip() for word in spec.split(",") if word.strip()]
    if not words:
        raise UsageError("no features were named", hint=f"Name features or sets: {', '.join(sorted(sets))}.")
    chosen = {feature.name for word in words for feature in pick(word, known, what="feature")}
    return tuple(feature for feature in sets[ALL] if feature.name in chosen)
