"""From an entry of a configuration to what is asked of an audit and what makes its gate red."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from auditor.batch.config.merge import GATE, Entries, Entry
from auditor.batch.config.model import check_keys, key_of, series_keys
from auditor.batch.config.nodes import Faults, plain
from auditor.core.errors import UsageError
from auditor.corpora.read import require_one_grouping
from auditor.features.catalogue import select_features
from auditor.membership.procedures.published import select_procedures
from auditor.results.gate import Gate, make_gate
from auditor.settings import (
    AuditSettings,
    SeriesSettings,
    SettingError,
    make_series_settings,
    make_settings,
    wrong_settings,
)


def settings_of(entry: Entry, faults: Faults) -> AuditSettings | None:
    """The settings of an audit whose keys fit by themselves; None where they are at odds with each other."""
    asked, series = _asked(entry.given)
    with _noting(entry.line, entry.given, faults, "permutations"):
        if entry.kind == "forget":
            return make_series_settings(series=series, **asked)
        return make_settings(series=series or None, **asked)
    return None


def check_each(line: int, given: Entries, faults: Faults) -> None:
    """Note what is wrong with each key of an audit by itself, so that no fault hides another.

    Args:
        line: Where the audit begins.
        given: The keys that are known to be well-formed, of those that apply to it.
        faults: What is found is added here.
    """
    asked, series = _asked(given)
    with _noting(line, given, faults, "group-by"):
        require_one_grouping(asked.get("group_column"), asked.get("group_by", "document"))
    with _noting(line, given, faults, "features"):
        select_features(asked.get("features", AuditSettings.model_fields["features"].default))
    with _noting(line, given, faults, "procedures"):
        select_procedures(asked.get("procedures", ()))
    for kind, settings in ((AuditSettings, asked), (SeriesSettings, series)):
        for error in wrong_settings(kind, settings):
            with _noting(line, given, faults):
                raise error


def _asked(given: Entries) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is asked about a model, and about a series, as settings."""
    asked = {name: plain(given[key]) for key, name in check_keys().items() if key in given}
    series = {name: plain(given[key]) for key, name in series_keys().items() if key in given}
    for written in (asked, series):
        written.update({name: _as_settings(name, value) for name, value in written.items() if isinstance(value, dict)})
    return asked, series


def _as_settings(name: str, written: dict[str, Any]) -> Any:
    """A mapping as the settings have it: thresholds by their names there, everything else as pairs."""
    if name == "policy":
        return {key.replace("-", "_"): value for key, value in written.items()}
    return tuple(written.items())


def gate_of(entry: Entry, faults: Faults, fail_on: tuple[str, ...] | None = None) -> Gate | None:
    """What makes CI red; None where that contradicts itself.

    Args:
        entry: The audit.
        faults: What is wrong is added here.
        fail_on: What makes those red that do not say so themselves, in place of what the defaults say.
    """
    said: dict[str, Any] = {key.replace("-", "_"): plain(entry.given[key]) for key in GATE if key in entry.given}
    flag = fail_on is not None and not entry.own_gate
    with _noting(entry.line, entry.given, faults, *(() if flag else GATE)):
        gate = make_gate(fail_on=fail_on) if flag else make_gate(**said)
        states = [word for word in gate.fail_on if word.startswith("state ")]
        if states and "checkpoints" not in entry.given:
            raise UsageError(
                f"{'--fail-on' if flag else 'fail-on'} names {states[0]}, which needs checkpoints",
                hint="Name verdicts only, or say in this audit what makes it red." if flag else "Name verdicts only.",
            )
        return gate
    return None


@contextmanager
def _noting(line: int, given: Entries, faults: Faults, *keys: str) -> Iterator[None]:
    """Note what is refused, at the line of the key it is about, else of the first of some keys, else of the audit."""
    try:
        yield
    except UsageError as error:
        about = [key_of(str(part)) for part in error.where] if isinstance(error, SettingError) else []
        named = next((key for key in (*reversed(about), *keys) if key in given), None)
        at = line if named is None else given[named].line
        if isinstance(error, SettingError):
            faults.add(at, f"{named}: {error.problem}" if named in about else error.problem, error.hint)
        else:
            faults.take(at, error)
