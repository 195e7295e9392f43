"""Lays each audit over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from auditor.batch.config.model import SHORT_PLAN_THRESHOLDS, check_keys, is_test, key_of, plan_keys, series_keys
from auditor.batch.config.nodes import Faults, Node, mapping
from auditor.settings import CHECK_ONLY, SHORT_THRESHOLDS

Kind = Literal["check", "forget", "test"]
Entries = Mapping[str, Node]

GATE = ("expect", "fail-on", "states")
"""The keys of the gate."""

_POLICIES = ("policy", "forgetting-policy", "plan-policy")


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
    the others from the defaults. Defaults of a series do not reach a check without one, nor those of a check a forget,
    nor those of either a test of a plan.
    """
    kind = _kind(audit, own, shared, faults)
    if kind is None:
        return None
    foreign = _foreign(kind, own, shared)
    entry = Entry(kind, audit.line, _folded(kind, own, faults), {}, frozenset(shared.keys() - foreign.keys()))
    stray = entry.own.keys() & foreign.keys()
    for key in stray:
        faults.add(own[key].line, f"{key!r} {foreign[key]}")
    if stray:
        return None
    without = {*foreign, *(GATE if entry.own_gate else ())}
    entries = {key: node for key, node in _folded(kind, shared, faults).items() if key not in without}
    for key, node in entry.own.items():
        both = key in _POLICIES and key in entries
        entries[key] = replace(node, value={**mapping(entries[key]), **mapping(node)}) if both else node
    return replace(entry, entries=entries)


def _kind(audit: Node, own: Entries, shared: Entries, faults: Faults) -> Kind | None:
    if is_test(own, shared):
        return "test"
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
    of_audits, of_tests = {*check_keys(), *series_keys()}, set(plan_keys())
    if kind == "test":
        others = {*of_audits - of_tests, *map(key_of, SHORT_THRESHOLDS), "states"} - {
            *map(key_of, SHORT_PLAN_THRESHOLDS)
        }
        return dict.fromkeys(others, "is not for a test of a plan") | {
            "alpha": "is that of the commitment in a test of a plan"
        }
    foreign = dict.fromkeys(of_tests - of_audits, f"is for a test of a plan, and not for a {kind}")
    if kind == "forget":
        return foreign | {key_of(name): "is not for a forget" for name in CHECK_ONLY if name != "kind"}
    foreign |= {"states": "is for a forget only; a check has fail-on"}
    if "checkpoints" not in own and "checkpoints" not in shared:
        foreign |= dict.fromkeys(series_keys(), "asks about forgetting, which needs checkpoints")
    return foreign


def _folded(kind: Kind, entries: Entries, faults: Faults) -> Entries:
    """The entries with the short forms of thresholds moved into the policy."""
    holder, names = ("plan-policy", SHORT_PLAN_THRESHOLDS) if kind == "test" else ("policy", SHORT_THRESHOLDS)
    short = {key: entries[key] for key in map(key_of, names) if key in entries}
    if not short:
        return entries
    policy = entries.get(holder, Node(min(node.line for node in short.values()), {}))
    for key in short.keys() & mapping(policy).keys():
        faults.add(short[key].line, f"{key!r} stands in {holder} too", "Leave one of the two out.")
    rest = {key: node for key, node in entries.items() if key not in short}
    return {**rest, holder: replace(policy, value={**mapping(policy), **short})}
