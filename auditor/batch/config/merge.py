"""Lays each audit over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from auditor.batch.config.model import key_of, series_keys
from auditor.batch.config.nodes import Faults, Node
from auditor.settings import CHECK_ONLY, SHORT_THRESHOLDS

Kind = Literal["check", "forget"]
Entries = Mapping[str, Node]

GATE = ("expect", "fail-on", "states")
"""The keys that say what makes CI red."""

_POLICIES = ("policy", "forgetting-policy")


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit with what it takes from the defaults.

    Attributes:
        kind: What it is.
        line: Where it begins.
        given: Every key that applies to it.
        usable: The keys of the defaults that an audit of this kind can use.
        own_gate: Whether the audit says itself what makes CI red.
    """

    kind: Kind
    line: int
    given: Entries
    usable: frozenset[str]
    own_gate: bool


def merge(audit: Node, own: Entries, shared: Entries, faults: Faults) -> Entry | None:
    """Lay an audit over the defaults; None where it contradicts itself.

    Thresholds are laid over each other one by one. Of `expect`, `fail-on` and `states` an audit that has one takes none
    of the others from the defaults. What the defaults say of a series does not reach a check without one, and what
    they say of a check does not reach a forget.
    """
    kind = _kind(audit, own, shared, faults)
    if kind is None:
        return None
    foreign = _foreign(kind, own, shared)
    usable = frozenset(key for key in shared if key not in foreign)
    own, shared = _folded(own, faults), _folded(shared, faults)
    stray = [key for key in own if key in foreign]
    for key in stray:
        faults.add(own[key].line, f"{key!r} {foreign[key]}")
    if stray:
        return None
    own_gate = not own.keys().isdisjoint(GATE)
    without = set(foreign) | (set(GATE) if own_gate else set())
    inherited = {key: node for key, node in shared.items() if key not in without}
    given = {**inherited, **own}
    for key in _POLICIES:
        if key in own and key in inherited:
            both = {**_below(inherited[key]), **_below(own[key])}
            given[key] = replace(own[key], value=both)
    return Entry(kind, audit.line, given, usable, own_gate)


def _below(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _kind(audit: Node, own: Entries, shared: Entries, faults: Faults) -> Kind | None:
    said = own.get("kind") or shared.get("kind")
    named = [key for key in ("model", "checkpoints") if key in own]
    inherited = [key for key in ("model", "checkpoints") if key in shared and key not in own]
    if said is not None:
        kind: Kind = "forget" if said.value == "forget" else "check"
        needed = "checkpoints" if kind == "forget" else "model"
        if needed in named or needed in inherited:
            return kind
        faults.add(audit.line, f"a {kind} needs {needed}")
        return None
    if named and inherited and len(named) == 1:
        faults.add(
            own[named[0]].line,
            f"{named[0]} here and {inherited[0]} in the defaults: it is not clear what is asked",
            "Write kind: check for a check beside a series, kind: forget for a forget without the model.",
        )
        return None
    return "check" if "model" in (*named, *inherited) else "forget"


def _foreign(kind: Kind, own: Entries, shared: Entries) -> dict[str, str]:
    """The keys that are not for an audit, and why."""
    if kind == "forget":
        return {key_of(name): "is not for a forget" for name in CHECK_ONLY if name != "kind"}
    foreign = {"states": "is for a forget only; a check has fail-on"}
    if "checkpoints" not in own and "checkpoints" not in shared:
        foreign |= dict.fromkeys(series_keys(), "asks about forgetting, which needs checkpoints")
    return foreign


def _folded(entries: Entries, faults: Faults) -> Entries:
    """The entries with the short ways to give a threshold put among the thresholds."""
    short = {key_of(name) for name in SHORT_THRESHOLDS} & entries.keys()
    if not short:
        return entries
    thresholds = dict(_below(entries["policy"])) if "policy" in entries else {}
    for key in short:
        if key in thresholds:
            faults.add(entries[key].line, f"{key!r} stands in policy too", "Leave one of the two out.")
        thresholds[key] = entries[key]
    policy = entries.get("policy", Node(min(entries[key].line for key in short), {}))
    rest = {key: node for key, node in entries.items() if key not in short}
    return {**rest, "policy": replace(policy, value=thresholds)}
