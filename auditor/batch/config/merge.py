"""Lays each audit over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from auditor.batch.config.model import key_of, series_keys
from auditor.batch.config.nodes import Faults, Node, mapping
from auditor.settings import CHECK_ONLY, SHORT_THRESHOLDS

Kind = Literal["check", "forget"]
Entries = Mapping[str, Node]

GATE = ("expect", "fail-on", "states")
"""The keys of the gate."""

_POLICIES = ("policy", "forgetting-policy")


@dataclass(frozen=True, slots=True)
class Entry:
    """An audit with what it takes from the defaults.

    Attributes:
        kind: What it is.
        line: Where it begins.
        own: The keys in the audit itself.
        entries: Every key that applies to it.
        usable: The keys of the defaults that an audit of this kind can use.
    """

    kind: Kind
    line: int
    own: Entries
    entries: Entries
    usable: frozenset[str]

    @property
    def own_gate(self) -> bool:
        """Whether the audit has a gate of its own."""
        return not self.own.keys().isdisjoint(GATE)


def merge(audit: Node, own: Entries, shared: Entries, faults: Faults) -> Entry | None:
    """Lay an audit over the defaults; None where it contradicts itself.

    Thresholds are laid over each other one by one. An audit with one of `expect`, `fail-on` and `states` takes none of
    the others from the defaults. Defaults of a series do not reach a check without one, nor those of a check a forget.
    """
    kind = _kind(audit, own, shared, faults)
    if kind is None:
        return None
    foreign = _foreign(kind, own, shared)
    entry = Entry(kind, audit.line, _folded(own, faults), {}, frozenset(shared.keys() - foreign.keys()))
    stray = entry.own.keys() & foreign.keys()
    for key in stray:
        faults.add(own[key].line, f"{key!r} {foreign[key]}")
    if stray:
        return None
    without = {*foreign, *(GATE if entry.own_gate else ())}
    entries = {key: node for key, node in _folded(shared, faults).items() if key not in without}
    for key, node in entry.own.items():
        both = key in _POLICIES and key in entries
        entries[key] = replace(node, value={**mapping(entries[key]), **mapping(node)}) if both else node
    return replace(entry, entries=entries)


def _kind(audit: Node, own: Entries, shared: Entries, faults: Faults) -> Kind | None:
    named = [key for key in ("model", "checkpoints") if key in own or key in shared]
    written = own.get("kind") or shared.get("kind")
    if written is not None:
        kind: Kind = "forget" if written.value == "forget" else "check"
        needed = "checkpoints" if kind == "forget" else "model"
        if needed in named:
            return kind
        faults.add(audit.line, f"a {kind} needs {needed}")
        return None
    first, *others = sorted(named, key=lambda key: key not in own)
    if others and first in own and others[0] not in own:
        faults.add(
            own[first].line,
            f"{first} here and {others[0]} in the defaults: it is not clear what is asked",
            "Write kind: check for a check beside a series, kind: forget for a forget without the model.",
        )
        return None
    return "check" if "model" in named else "forget"


def _foreign(kind: Kind, own: Entries, shared: Entries) -> dict[str, str]:
    """The keys that are not for an audit, and why."""
    if kind == "forget":
        return {key_of(name): "is not for a forget" for name in CHECK_ONLY if name != "kind"}
    foreign = {"states": "is for a forget only; a check has fail-on"}
    if "checkpoints" not in own and "checkpoints" not in shared:
        foreign |= dict.fromkeys(series_keys(), "asks about forgetting, which needs checkpoints")
    return foreign


def _folded(entries: Entries, faults: Faults) -> Entries:
    """The entries with the short forms of thresholds moved into the policy."""
    short = {key: entries[key] for key in map(key_of, SHORT_THRESHOLDS) if key in entries}
    if not short:
        return entries
    policy = entries.get("policy", Node(min(node.line for node in short.values()), {}))
    for key in short.keys() & mapping(policy).keys():
        faults.add(short[key].line, f"{key!r} stands in policy too", "Leave one of the two out.")
    rest = {key: node for key, node in entries.items() if key not in short}
    return {**rest, "policy": replace(policy, value={**mapping(policy), **short})}
