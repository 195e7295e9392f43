"""Paths of documents and models in a configuration: they start from its folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from auditor.batch.config.merge import Entries
from auditor.batch.config.model import check_keys, plan_keys, series_keys
from auditor.batch.config.nodes import Faults, Node, shown
from auditor.core.errors import UsageError, cannot_read
from auditor.core.folders import refuse_documents, refuse_model
from auditor.core.text import close_names
from auditor.corpora.read import is_path, reader_of
from auditor.dealt.settings import PlanTestSettings
from auditor.models.loading import check_source, source_prefix
from auditor.settings import NO_TEMPLATE, AuditSettings, SeriesSettings, Source


def _marks(parts: tuple[Any, ...]) -> list[Source]:
    return [mark for part in parts for mark in ([part] if isinstance(part, Source) else _marks(get_args(part)))]


_SOURCES = {
    key: marks[0].of
    for model, keys in (
        (AuditSettings, check_keys()),
        (SeriesSettings, series_keys()),
        (PlanTestSettings, plan_keys()),
    )
    for key, name in keys.items()
    if (marks := _marks((*model.model_fields[name].metadata, model.model_fields[name].annotation)))
}
"""The keys whose values name an input, and its kind."""


def locate(entries: Entries, folder: Path, faults: Faults) -> dict[str, Node]:
    """The entries of an audit with every path relative to the current directory; what does not exist is a fault.

    Args:
        entries: The entries.
        folder: Folder of the configuration. Where that file is a link, the folder of the link and not of its target.
        faults: Faults are added here.
    """
    revision = entries["revision"].value if "revision" in entries else None
    located = dict(entries)
    for key in _SOURCES.keys() & entries.keys():
        # These are other models than the one whose revision is named.
        of_hub = revision if isinstance(revision, str) and key not in ("references", "base", "tokenizer") else None
        located[key] = _locate(entries[key], key, of_hub, folder, faults)
    return located


def _locate(node: Node, key: str, revision: str | None, folder: Path, faults: Faults) -> Node:
    if isinstance(node.value, list):
        return replace(node, value=[_locate(child, key, revision, folder, faults) for child in node.value])
    if isinstance(node.value, dict):
        below = {name: _locate(child, key, revision, folder, faults) for name, child in node.value.items()}
        return replace(node, value=below)
    if not isinstance(node.value, str):
        return node
    try:
        if _SOURCES[key] == "model":
            return replace(node, value=_model(node.value, revision, folder))
        if _SOURCES[key] == "file":
            return replace(node, value=node.value if node.value == NO_TEMPLATE else _file(node.value, folder))
        if _SOURCES[key] == "folder":
            return replace(node, value=_folder(node.value, folder))
        path = _from_here(node.value, folder) if node.value.strip() and is_path(node.value) else node.value
        reader_of(path)
        refuse_model(path)
        return replace(node, value=path)
    except UsageError as error:
        faults.take(node.line, error)
    except PermissionError as error:
        faults.take(node.line, cannot_read(node.value, error))
    except (OSError, ValueError) as error:
        faults.add(node.line, f"{shown(node.value)} cannot be a path: {getattr(error, 'strerror', None) or error}")
    return node


def _model(name: str, revision: str | None, folder: Path) -> str:
    prefix = source_prefix(name)
    bare = name.removeprefix(prefix)
    inside = Path(folder, bare)
    refuse_documents(str(inside))
    source = check_source(bare, revision, str(folder))
    if inside.exists() or Path(source).is_absolute():
        return prefix + _from_here(bare if inside.exists() else source, folder)
    # What is left can only be a name on the hub; what is close to something here is rather mistyped.
    close = "" if revision is not None else close_names(inside)
    if close:
        hint = f"{close} If a model on the hub is meant, name its revision, such as main."
        raise UsageError(f"{inside} does not exist", hint=hint)
    if Path(bare).exists():
        raise UsageError(
            f"{bare} is not beside the configuration, and would be taken from the current directory",
            hint=f"Write {os.path.relpath(bare, folder)} if that is meant.",
        )
    return name


def _file(name: str, folder: Path) -> str:
    path = _from_here(name, folder)
    if not Path(path).is_file():
        raise UsageError(f"{path} does not exist or is no file", hint=close_names(Path(path)) or "Check the path.")
    return path


def _folder(name: str, folder: Path) -> str:
    path = _from_here(name, folder)
    if not name.strip() or not Path(path).is_dir():
        raise UsageError(f"{path} does not exist or is no folder", hint=close_names(Path(path)) or "Check the path.")
    return path


def _from_here(name: str, folder: Path) -> str:
    """The shortest path from the current directory that means the same file: after a link, `..` is another folder."""
    if folder == Path() or Path(name).is_absolute():
        return name
    joined = str(folder / name)
    below = [path for path in (os.path.normpath(joined), os.path.relpath(joined)) if not path.startswith("..")]
    meant = os.path.realpath(joined)
    return min([joined, *(path for path in below if os.path.realpath(path) == meant)], key=len)
