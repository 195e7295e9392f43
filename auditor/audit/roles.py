"""Whether each source is what it is named for: told before anything is read, hashed or loaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from auditor.core.errors import UsageError, naming_unreadable
from auditor.core.folders import documents_in, model_marks, refuse_documents, refuse_model
from auditor.settings import AuditSettings


@naming_unreadable()
def require_roles(settings: AuditSettings) -> None:
    """Refuse a model among the documents, documents among the models, and one source as two sets.

    Raises:
        UsageError: A source is not what it is named for; the hint says which are swapped.
    """
    documents, models = list(_documents(settings)), list(_models(settings))
    swapped = next(((role, source) for role, source in models if _is_documents(source)), None)
    for role, source in documents:
        if model_marks(Path(source)):
            hint = f"{role} and {swapped[0]} seem to be swapped: {swapped[1]} is documents." if swapped else ""
            refuse_model(source, hint[:1].upper() + hint[1:])
    for _, source in models:
        refuse_documents(source)
    for (role, source), (other, second) in combinations(documents[: _sets(settings)], 2):
        if _same(source, second):
            raise UsageError(
                f"{role} and {other} are the same: {source}" + ("" if source == second else f", {second}"),
                hint="Each set has to be documents of its own; the held-out ones are such that no model can have seen.",
            )


def _documents(settings: AuditSettings) -> Iterator[tuple[str, str]]:
    yield "the suspect set", settings.suspect
    yield "the held-out set", settings.heldout
    series = settings.series
    if series is not None:
        yield from (
            (f"the {name} set", source)
            for name, source in (("placebo", series.placebo), ("general", series.general))
            if source is not None
        )
        yield from ((f"task {name!r}", source) for name, source in series.tasks)


def _sets(settings: AuditSettings) -> int:
    """Number of sets that are compared; a labelled set may be any text."""
    return sum(1 for role, _ in _documents(settings) if not role.startswith("task"))


def _models(settings: AuditSettings) -> Iterator[tuple[str, str]]:
    if settings.deciding_series is None:
        yield "the model", settings.model
    yield from (("a reference", source) for source in settings.references)
    if settings.series is not None:
        yield from ((f"checkpoint {name!r}", source) for name, source in settings.series.checkpoints)


def _is_documents(source: str) -> bool:
    return Path(source).exists() and bool(documents_in(Path(source)))


def _same(one: str, two: str) -> bool:
    if one == two:
        return True
    try:
        return Path(one).samefile(two)
    except (OSError, ValueError):
        return False
