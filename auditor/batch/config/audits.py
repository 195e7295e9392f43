"""From an entry of a configuration to the settings of an audit and its gate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from auditor.batch.config.merge import GATE, Entries, Entry
from auditor.batch.config.model import check_keys, key_of, plan_keys, series_keys
from auditor.batch.config.nodes import Faults, plain, shown
from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.corpora.read import require_one_grouping
from auditor.dealt.open import require_dealt
from auditor.dealt.settings import PlanTestSettings, make_plan_test_settings
from auditor.features.catalogue import require_reference, select_features
from auditor.membership.procedures.published import select_procedures
from auditor.models.backend import LoadOptions
from auditor.models.loading import base_of
from auditor.results.gate import Gate, make_gate
from auditor.settings import (
    AuditSettings,
    SeriesSettings,
    SettingError,
    make_series_settings,
    make_settings,
    wrong_settings,
)

_DISJOINT = ("suspect", "heldout", "placebo", "general")
"""The sets of documents of which none may hold what another holds."""


def check_each(line: int, own: Entries, entries: Entries, faults: Faults, *, test: bool = False) -> None:
    """Check each key of an audit by itself, so that no fault hides another, and that its sets of documents differ.

    Args:
        line: Line of the audit.
        own: The keys in the audit itself.
        entries: The well-formed keys of those that apply to it, with sources relative to the current directory.
        faults: Faults are added here.
        test: Whether it is a test of a plan.
    """
    if test:
        _record_wrong(PlanTestSettings, _chosen(entries, plan_keys()), line, entries, faults)
        return
    settings, series = _values(entries)
    with _recording(line, entries, faults, "group-by"):
        require_one_grouping(settings.get("group_column"), settings.get("group_by", "document"))
    with _recording(line, entries, faults, "features"):
        select_features(settings.get("features", AuditSettings.model_fields["features"].default))
    with _recording(line, entries, faults, "procedures"):
        select_procedures(settings.get("procedures", ()))
    for kind, values in ((AuditSettings, settings), (SeriesSettings, series)):
        _record_wrong(kind, values, line, entries, faults)
    sets = {key: str(entries[key].value) for key in _DISJOINT if key in entries and isinstance(entries[key].value, str)}
    for first, second in combinations(sets, 2):
        # One path can be written in several ways.
        if sets[first] == sets[second] or os.path.realpath(sets[first]) == os.path.realpath(sets[second]):
            at = next((own[key].line for key in (second, first) if key in own), line)
            hint = f"{second.capitalize()} has to be text that is in no other set."
            faults.add(at, f"{first} and {second} are both {shown(sets[second])}", hint)


def _record_wrong(kind: type[Record], values: dict[str, Any], line: int, entries: Entries, faults: Faults) -> None:
    for error in wrong_settings(kind, values):
        with _recording(line, entries, faults):
            raise error


def settings_of(entry: Entry, faults: Faults) -> AuditSettings | PlanTestSettings | None:
    """The settings of an audit whose keys are valid by themselves; None where they are in conflict."""
    if entry.kind == "test":
        return _test_settings(entry, faults)
    _check_references(entry, faults)
    settings, series = _values(entry.entries)
    with _recording(entry.line, entry.entries, faults, "permutations"):
        if entry.kind == "forget":
            return make_series_settings(series=series, **settings)
        return make_settings(series=series or None, **settings)
    return None


def _test_settings(entry: Entry, faults: Faults) -> PlanTestSettings | None:
    with _recording(entry.line, entry.entries, faults, "model"):
        settings = make_plan_test_settings(**_chosen(entry.entries, plan_keys()))
        # What is no folder at all is a fault already.
        with _recording(entry.line, entry.entries, faults, "batch", "plan"):
            if Path(settings.plan).is_dir():
                require_dealt(settings.plan, settings.batch)
                return settings
    return None


def gate_of(entry: Entry, faults: Faults, fail_on: tuple[str, ...] | None = None) -> Gate | None:
    """The gate of an audit; None where its keys are in conflict.

    Args:
        entry: The audit.
        faults: Faults are added here.
        fail_on: Outcomes that fail an audit without a gate of its own, in place of those of the defaults.
    """
    written: dict[str, Any] = {key.replace("-", "_"): plain(entry.entries[key]) for key in GATE if key in entry.entries}
    flag = fail_on is not None and not entry.own_gate
    with _recording(entry.line, entry.entries, faults, *(() if flag else GATE)):
        gate = make_gate(fail_on=fail_on) if flag else make_gate(**written)
        states = [word for word in gate.fail_on if word.startswith("state ")]
        if states and "checkpoints" not in entry.entries:
            raise UsageError(
                f"{'--fail-on' if flag else 'fail-on'} names {states[0]}, which needs checkpoints",
                hint="Name verdicts only, or say in this audit what makes it red." if flag else "Name verdicts only.",
            )
        return gate
    return None


def _check_references(entry: Entry, faults: Faults) -> None:
    """Refuse features that compare with a reference where none is named and the model brings none."""
    model = entry.entries.get("model")
    if entry.kind != "check" or model is None or ("references" in entry.entries and plain(entry.entries["references"])):
        return
    features = entry.entries.get("features")
    names = str(AuditSettings.model_fields["features"].default if features is None else features.value)
    # Wrong features and a wrong model are faults of their own.
    with contextlib.suppress(UsageError):
        select_features(names)
        try:
            require_reference(names)
        except UsageError as error:
            base = entry.entries.get("base")
            if base_of(str(model.value), LoadOptions(base=None if base is None else str(base.value))) is None:
                faults.take(entry.own["features"].line if "features" in entry.own else entry.line, error)


def _values(entries: Entries) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of the settings of an audit and of those of its series, by name."""
    return _chosen(entries, check_keys()), _chosen(entries, series_keys())


def _chosen(entries: Entries, keys: dict[str, str]) -> dict[str, Any]:
    return {name: _value(name, plain(entries[key])) for key, name in keys.items() if key in entries}


def _value(name: str, written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    return (
        {key.replace("-", "_"): number for key, number in written.items()} if name == "policy" else (*written.items(),)
    )


@contextlib.contextmanager
def _recording(line: int, entries: Entries, faults: Faults, *keys: str) -> Iterator[None]:
    """Record a UsageError at the line of the key it names, else of the first of `keys`, else of the audit."""
    try:
        yield
    except UsageError as error:
        about = [key_of(str(part)) for part in error.where] if isinstance(error, SettingError) else []
        named = next((key for key in (*reversed(about), *keys) if key in entries), None)
        at = line if named is None else entries[named].line
        if isinstance(error, SettingError):
            faults.add(at, f"{named}: {error.problem}" if named in about else error.problem, error.hint)
        else:
            faults.take(at, error)
