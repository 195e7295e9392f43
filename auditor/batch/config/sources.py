"""Where the documents and models of a configuration lie: relative to its folder, and there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from auditor.batch.config.model import check_keys, series_keys
from auditor.batch.config.nodes import Faults, Node, shown
from auditor.core.errors import UsageError
from auditor.core.text import close_names
from auditor.corpora.read import is_path, reader_of
from auditor.models.loading import check_source, source_prefix
from auditor.settings import AuditSettings, SeriesSettings, Source


def source_keys() -> dict[str, Source]:
    """The keys whose values name something that is read, found by the marks of the settings."""
    fields = {key: AuditSettings.model_fields[name] for key, name in check_keys().items()}
    fields |= {key: SeriesSettings.model_fields[name] for key, name in series_keys().items()}
    marks = {key: _mark((*field.metadata, field.annotation)) for key, field in fields.items()}
    return {key: mark for key, mark in marks.items() if mark is not None}


def _mark(parts: tuple[Any, ...]) -> Source | None:
    for part in parts:
        found = part if isinstance(part, Source) else _mark(get_args(part))
        if found is not None:
            return found
    return None


class SourceFolder:
    """The folder that the relative paths of a configuration start from.

    Args:
        configuration: Path of the file. Where that is a link, its own folder counts and not that of its target.
    """

    def __init__(self, configuration: str) -> None:
        self._path = Path(configuration).parent

    def locate_all(self, entries: Mapping[str, Node], faults: Faults) -> dict[str, Node]:
        """The entries of an audit with every path as it is from the current directory."""
        revision = entries["revision"].value if "revision" in entries else None
        found = dict(entries)
        for key, source in source_keys().items():
            if key in entries:
                # References are other models than the one whose revision is named.
                meant = revision if isinstance(revision, str) and key != "references" else None
                found[key] = self.locate(entries[key], source, meant, faults)
        return found

    def locate(self, node: Node, source: Source, revision: str | None, faults: Faults) -> Node:
        """Each text of a node as a path from the current directory; what is not there is a fault.

        Args:
            node: A text, or a list or mapping of texts.
            source: What they name.
            revision: The revision of a hub model.
            faults: What is found is added here.
        """
        if isinstance(node.value, list):
            return replace(node, value=[self.locate(child, source, revision, faults) for child in node.value])
        if isinstance(node.value, dict):
            below = {key: self.locate(child, source, revision, faults) for key, child in node.value.items()}
            return replace(node, value=below)
        if not isinstance(node.value, str):
            return node
        try:
            found = self._model(node.value, revision) if source.of == "model" else self._documents(node.value)
        except UsageError as error:
            faults.take(node.line, error)
        except (OSError, ValueError) as error:
            faults.add(node.line, f"{shown(node.value)} cannot be a path: {getattr(error, 'strerror', None) or error}")
        else:
            return replace(node, value=found)
        return node

    def _documents(self, name: str) -> str:
        path = self._from_here(name) if name.strip() and is_path(name) else name
        reader_of(path)
        return path

    def _model(self, name: str, revision: str | None) -> str:
        kind = source_prefix(name)
        bare = name.removeprefix(kind)
        inside = Path(self._path, bare)
        found = check_source(bare, revision, str(self._path))
        if inside.exists() or Path(found).is_absolute():
            return kind + self._from_here(bare if inside.exists() else found)
        # What is left can only be meant as a name on the hub; what is close to something here is rather mistyped.
        close = "" if revision is not None else close_names(inside)
        if close:
            hint = f"{close} If a model on the hub is meant, name its revision, such as main."
            raise UsageError(f"{inside} does not exist", hint=hint)
        if Path(bare).exists():
            raise UsageError(
                f"{bare} is not beside the configuration, and would be taken from the current directory",
                hint=f"Write {os.path.relpath(bare, self._path)} if that is meant.",
            )
        return name

    def _from_here(self, name: str) -> str:
        """A path from the current directory, as short as it can be without meaning another file.

        After a link to a folder, `..` is not what it seems to be, so what is shorter is looked up.
        """
        if self._path == Path() or Path(name).is_absolute():
            return name
        joined = str(self._path / name)
        ways = (joined, os.path.normpath(joined), os.path.relpath(joined))
        meant = os.path.realpath(joined)
        here = [way for way in ways if os.path.realpath(way) == meant and (way == joined or not way.startswith(".."))]
        return min(here, key=len)
