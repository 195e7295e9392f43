"""What the keys of an audit say together, of which it can be known without opening anything that it can only break."""

from __future__ import annotations

import contextlib
import os
from itertools import combinations

from auditor.batch.config.merge import Entries, Entry
from auditor.batch.config.nodes import Faults, plain, shown
from auditor.core.errors import UsageError
from auditor.features.catalogue import require_reference, select_features
from auditor.models.loading import base_of
from auditor.settings import AuditSettings

_APART = ("suspect", "heldout", "placebo", "general")
"""The sets of documents of which none may hold what another holds."""


def check_apart(line: int, own: Entries, given: Entries, faults: Faults) -> None:
    """Note sets of documents that are one and the same.

    Args:
        line: Where the audit begins.
        own: The keys that stand in the audit itself.
        given: The keys that are known to be well-formed, with sources as they are from the current directory.
        faults: What is found is added here.
    """
    places = {key: str(given[key].value) for key in _APART if key in given and isinstance(given[key].value, str)}
    for first, second in combinations(places, 2):
        if _same(places[first], places[second]):
            at = next((own[key].line for key in (second, first) if key in own), line)
            faults.add(
                at,
                f"{first} and {second} are both {shown(places[second])}",
                f"{second.capitalize()} has to be text that is in no other set.",
            )


def check_references(entry: Entry, own: Entries, faults: Faults) -> None:
    """Note features that compare with a reference in a check that names none and whose model brings none.

    Args:
        entry: The audit.
        own: The keys that stand in the audit itself.
        faults: What is found is added here.
    """
    model = entry.given.get("model")
    if entry.kind != "check" or model is None or ("references" in entry.given and plain(entry.given["references"])):
        return
    features = entry.given.get("features")
    spec = str(AuditSettings.model_fields["features"].default if features is None else features.value)
    # What is wrong with the features or the model by itself is told elsewhere.
    with contextlib.suppress(UsageError):
        select_features(spec)
        try:
            require_reference(spec)
        except UsageError as error:
            if base_of(str(model.value)) is None:
                faults.take(own["features"].line if "features" in own else entry.line, error)


def _same(first: str, second: str) -> bool:
    """Whether two sources are one: a path may be written in several ways."""
    return first == second or os.path.realpath(first) == os.path.realpath(second)
