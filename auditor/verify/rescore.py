"""Scoring the documents again under the models that were given, and what of a result that bears out."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np

from auditor.audit.chat import recorded_format
from auditor.core.errors import UsageError
from auditor.features.table import TARGET_LABEL
from auditor.inference.batch_correction import corrected_verdict
from auditor.membership.cache import CorpusCache
from auditor.membership.chat import chat_format
from auditor.results.chat import ChatSummary
from auditor.results.guards import GuardResult
from auditor.results.result import AuditResult
from auditor.settings import NO_TEMPLATE, AuditSettings, make_options
from auditor.verify.differences import Difference, compare, far_cells
from auditor.verify.subject import Subject, is_here

MOST = 1e-3
"""Of a column's largest figure: what scores of the same texts differ by at most on another machine."""
_NOISE = ("numerics",)
"""Differences between two ways to score the same text are of the machine; what their guard says of them is compared."""


def settings_here(subject: Subject) -> AuditSettings:
    """The settings of the audit with every path replaced by the one that was given for it.

    A file never says what is read or fetched here. Labelled texts, on which no state rests, are left out. The number
    format is that of the audit, whatever suits this machine.

    Raises:
        UsageError: A set of documents or a model that the audit reads was not given, or a reference under another name.
    """
    settings = subject.inputs.settings
    named = len(settings.references)
    labels = subject.inputs.references[-named:] if named else ()
    updates: dict[str, Any] = {
        "suspect": _given(subject.data, "suspect", "--data"),
        "heldout": _given(subject.data, "heldout", "--data"),
        "references": tuple(_reference(subject.models, label) for label in labels),
    }
    audited = subject.known_models[TARGET_LABEL][1]
    if audited.dtype in ("float32", "bfloat16", "float16"):
        updates["dtype"] = audited.dtype
    for name in ("base", "tokenizer"):
        if getattr(settings, name) is not None and getattr(subject, name) is None:
            raise UsageError(f"scoring again needs what the audit read: --{name} PATH is missing")
        updates[name] = getattr(subject, name)
    series = settings.series
    if series is not None:
        course = [(name, _checkpoint(subject, name)) for name, _ in series.checkpoints]
        beside = {
            role: _given(subject.data, role, "--data") for role in ("placebo", "general") if getattr(series, role)
        }
        updates["series"] = series.model_copy(update={"checkpoints": tuple(course), "tasks": (), **beside})
        updates["model"] = course[-1][1]
    if settings.deciding_series is None:
        updates["model"] = _given(subject.models, TARGET_LABEL, "--model")
        if is_here(updates["model"]):
            updates["revision"] = None
    return settings.model_copy(update=updates)


def rescore(settings: AuditSettings, chat: ChatSummary | None) -> AuditResult:
    """Carry the audit out once more, with an empty store: what was scored before is not believed.

    Args:
        settings: The settings, with the paths that were given.
        chat: What the result says of conversations. A template that came from a file is taken from there, as no file
            that a result names is read; that of a tokenizer is read from the model that was given.
    """
    from auditor.audit.run import run_audit

    named = settings.chat_template not in (None, NO_TEMPLATE)
    cache = CorpusCache(chat=partial(recorded_format, chat) if named else chat_format)
    with tempfile.TemporaryDirectory() as folder:
        return run_audit(settings, make_options(cache_dir=folder), cache=cache)


def is_same(stored: AuditResult, again: AuditResult) -> bool:
    """Whether scoring again gave every measurement to the last bit."""
    return _scored(stored) == _scored(again)


def mismatches(stored: AuditResult, again: AuditResult) -> Iterator[Difference]:
    """Differences between the stored result and a fresh scoring: measurements, guard statuses, verdict."""
    yield from _apart("", _scored(stored), _scored(again))
    verdict = again.verdict
    if stored.multiplicity is not None:
        verdict = corrected_verdict(verdict, stored.multiplicity, again.thresholds.alpha)
    for name in ("outcome", "reason"):
        if getattr(stored.verdict, name) != getattr(verdict, name):
            yield Difference(f"verdict.{name}", getattr(stored.verdict, name), getattr(verdict, name))


def _given(paths: Any, name: str, option: str) -> str:
    if name not in paths:
        raise UsageError(f"scoring again needs every set and model of the audit: {option} {name}=PATH is missing")
    return str(paths[name])


def _reference(models: Mapping[str, str], label: str) -> str:
    """A reference, which has to have the name it had: its features are called by it, and it seeds its permutations."""
    path = _given(models, label, "--model")
    name = PurePath(path).name
    if label != name and not re.fullmatch(f"{re.escape(name)}-[0-9]+", label):
        raise UsageError(
            f"the reference {label!r} is given as {path!r}, and its name is part of the figures",
            hint=f"Give it in a folder called {label!r}, a link for instance.",
        )
    return path


def _checkpoint(subject: Subject, name: str) -> str:
    """A checkpoint, of a hub in the revision that was audited."""
    path = _given(subject.models, name, "--model")
    revision = subject.known_models[name][1].revision
    return path if is_here(path) or revision is None or "@" in path else f"{path}@{revision}"


def _scored(result: AuditResult) -> dict[str, Any]:
    """All that scoring made, with nothing that rests on where files lie."""
    measurements = {} if result.measurements is None else result.measurements.model_dump(mode="json")
    measurements["controls"] = list(measurements.get("controls", {}).values())
    if measurements.get("series"):
        del measurements["series"]["tasks"], measurements["series"]["notes"]
        for checkpoint in measurements["series"]["checkpoints"]:
            del checkpoint["source"]
    documents = [document.model_dump(mode="json", exclude={"score"}) for document in result.documents]
    chat = result.manifest.chat
    return {
        "chat": None if chat is None else chat.model_dump(mode="json", exclude={"origin"}),
        "measurements": measurements,
        "documents": documents,
        "guards": _answers(result.guards),
        "states": [
            {"name": point.name, "state": point.state.code, "guards": _answers(point.detection.guards)}
            for point in (() if result.forgetting is None else result.forgetting.checkpoints)
        ],
    }


def _answers(guards: Iterable[GuardResult]) -> dict[str, str]:
    return {guard.name: guard.status for guard in guards}


def _apart(where: str, stored: Any, again: Any) -> Iterator[Difference]:
    """Leaves that are farther apart than another machine could make them."""
    if isinstance(stored, dict) and isinstance(again, dict) and list(stored) == list(again):
        for key in stored:
            if key not in _NOISE:
                yield from _apart(f"{where}.{key}" if where else key, stored[key], again[key])
    elif _is_table(stored) and _is_table(again):
        yield from far_cells(where, *(np.array(table, dtype=np.float64) for table in (stored, again)), most=MOST)
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for index, pair in enumerate(zip(stored, again, strict=True)):
            yield from _apart(f"{where}[{index}]", *pair)
    elif isinstance(stored, float) and isinstance(again, float):
        if abs(stored - again) > MOST * max(1.0, abs(again)):
            yield Difference(where, stored, again)
    else:
        yield from compare(stored, again, at=where).differences


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, list) and all(cell is None or isinstance(cell, float) for cell in row) for row in value)
    )
