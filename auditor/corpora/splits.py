"""The splits of a dataset that is files: by its card, or by their names, as the Hugging Face Hub has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from itertools import takewhile
from typing import Any

from auditor.core.errors import UsageError
from auditor.core.text import quoted_list
from auditor.corpora.patterns import NamePattern
from auditor.corpora.reader import choose_split
from auditor.corpora.streams import DataFile, decode, open_bytes

_KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {word: split for split, words in _KEYWORDS.items() for word in words}
_SHARD = re.compile(r"(?:^|.*/)(\w[\w.]*?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.[\w.]+")
_MOST_FRONT_BYTES = 2**16


def choose_files(
    source: str, files: Sequence[DataFile], tables: Sequence[DataFile], wanted: str | None, *, named: bool
) -> list[DataFile]:
    """The tables of the split that is named, or all where the files have no splits.

    Args:
        source: The source, for messages.
        files: All files, a card among them or not.
        tables: The tables of one format.
        wanted: The split that is named; None where none is.
        named: Whether the user named the files themselves, so that all are meant.

    Raises:
        UsageError: There are several splits and none is named, or another one; some files are of no split; or the
            card lists files that are not there.
    """
    if named:
        return list(tables)
    listed = _of_card(files, tables)
    _require_matches(source, listed, wanted)
    splits = {
        split: [found.files[name] for name in sorted(found.files)] for split, found in listed.items()
    } or _by_name(tables)
    if not splits:
        if wanted is None:
            return list(tables)
        raise UsageError(
            f"{source} has no splits: none of its files is named after one, so there is no {wanted!r}",
            hint=f"Give {source} without ':{wanted}', or the file that is meant.",
        )
    lone = [table.name for table in tables if not any(table in found for found in splits.values())]
    # What a card does not list is no data by its own account.
    if wanted is None and lone and not listed:
        shown = ", ".join([*splits, *lone[:3], *(["..."] if len(lone) > 3 else [])])
        raise UsageError(
            f"{source} holds files of a split and others that are of none: {shown}",
            hint=f"Name the split, as in {source}:{next(iter(splits))}, or the files by a pattern in quotes, as in "
            f"'{source.rstrip('/')}/{lone[0]}'.",
        )
    return splits[choose_split(splits, wanted, source)]


def folder_splits(files: Sequence[DataFile]) -> dict[str, list[DataFile]]:
    """Text files by split: those in a folder called `train`, `test` or the like, the first in which they differ."""
    shared = _shared_folders(files)
    splits: dict[str, list[DataFile]] = {}
    for file in files:
        folders = file.name.split("/")[:-1]
        split = _SPLIT_OF.get(folders[shared].lower(), "") if len(folders) > shared else ""
        if split:
            splits.setdefault(split, []).append(file)
    return splits


def find_card(files: Sequence[DataFile]) -> DataFile | None:
    """The README.md at the top that begins with front matter, which is about the data; None where there is none."""
    shared = _shared_folders(files)
    card = next((file for file in files if _below(file, shared) == "README.md"), None)
    try:
        return card if card is not None and re.match(r"\s*[\w-]+:(\s|$)", _front_matter(card)) else None
    except UsageError:
        return None


def _below(file: DataFile, folders: int) -> str:
    """Its name without that many folders at its beginning."""
    return "/".join(file.name.split("/")[folders:])


def _shared_folders(files: Sequence[DataFile]) -> int:
    """Number of folders in which all files lie together, as in an archive that holds one folder."""
    folders = [file.name.split("/")[:-1] for file in files]
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False)))


def _by_name(tables: Iterable[DataFile]) -> dict[str, list[DataFile]]:
    """Tables by split: `NAME-00000-of-00002.parquet`, or a word such as `train` in the name or in a folder's."""
    splits: dict[str, list[DataFile]] = {}
    for table in tables:
        split = _split_of(table.name)
        if split:
            splits.setdefault(split, []).append(table)
    return splits


def _split_of(name: str) -> str:
    shard = _SHARD.fullmatch(name)
    if shard is not None:
        return _SPLIT_OF.get(shard.group(1).lower(), shard.group(1))
    # The last part that is a word of a split, as a file of `train/` may be called `part-1`.
    words = [word for word in re.split(r"[-._ /\d]+", name.lower()) if word in _SPLIT_OF]
    return _SPLIT_OF[words[-1]] if words else ""


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a card lists as one split.

    Attributes:
        files: The tables that its patterns match, by name.
        unmatched: The patterns that match none.
    """

    files: dict[str, DataFile] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)


def _of_card(files: Sequence[DataFile], tables: Sequence[DataFile]) -> dict[str, _Listed]:
    """The splits that a card lists under `configs`, named `CONFIG:SPLIT` where it lists several configurations."""
    shared = _shared_folders(files)
    card = next((file for file in files if _below(file, shared) == "README.md"), None)
    configs = [] if card is None else _configs(card)
    named = {_below(table, shared): table for table in tables}
    splits: dict[str, _Listed] = {}
    for number, config in enumerate(configs, start=1):
        name = config.get("config_name")
        for split, patterns in _data_files(config, named):
            full = split if len(configs) == 1 else f"{f'config-{number}' if name is None else name}:{split}"
            listed = splits.setdefault(full, _Listed())
            for text in patterns:
                pattern = NamePattern(text)
                found = {name: table for name, table in named.items() if pattern.matches(name)}
                listed.files.update(found)
                if not found:
                    listed.unmatched.append(text)
    return splits


def _require_matches(source: str, splits: Mapping[str, _Listed], wanted: str | None) -> None:
    """Refuse a split of which the files are not all there: the one that is left need not be the one that is meant."""
    meant = {split: listed for split, listed in splits.items() if split == wanted} or splits
    for split, listed in meant.items():
        if listed.unmatched:
            raise UsageError(
                f"{source}: README.md lists {quoted_list(listed.unmatched, 3)} as {split!r}, which matches no table of "
                "the format that is read",
                hint=f"Fetch the missing files, name a split, as in {source}:{next(iter(splits))}, or the files by a "
                f"pattern in quotes, as in '{source.rstrip('/')}/*.jsonl'.",
            )


def _configs(card: DataFile) -> list[Mapping[str, Any]]:
    """The configurations of the front matter of a card; none where it has none.

    Raises:
        UsageError: It lists configurations in front matter that is not read.
    """
    front = _front_matter(card)
    if "configs:" not in front:
        return []
    import yaml

    try:
        # A few lines of aliases can stand for more nodes than memory holds.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(front, Loader=yaml.SafeLoader)):
            raise _refuse_card(card, "an alias, which is not followed")
        tree = yaml.safe_load(front)
    except (yaml.YAMLError, RecursionError, ValueError):
        raise _refuse_card(card, "malformed YAML") from None
    configs = tree.get("configs") if isinstance(tree, dict) else None
    return [config for config in configs if isinstance(config, dict)] if isinstance(configs, list) else []


def _front_matter(card: DataFile) -> str:
    """The text between the first line `---` and the next one; empty where a card has none."""
    try:
        with open_bytes(card, "text") as stream:
            head = stream.read(_MOST_FRONT_BYTES + 8)
    except UsageError:
        return ""
    if not re.match(rb"(\xef\xbb\xbf)?---[ \t]*\r?\n", head):
        return ""
    start = head.index(b"\n") + 1
    end = re.compile(rb"^---[ \t]*\r?$", re.MULTILINE).search(head, start)
    if end is None:
        if len(head) > _MOST_FRONT_BYTES:
            raise _refuse_card(card, f"more than {_MOST_FRONT_BYTES // 2**10} KiB")
        return ""
    return decode(head[start : end.start()], card.where, offset=start)


def _refuse_card(card: DataFile, why: str) -> UsageError:
    return UsageError(
        f"{card.where}: the front matter, which lists the files of the splits, holds {why}",
        hint="Write it in plain YAML, or name the files that are meant by a pattern in quotes.",
    )


def _data_files(config: Mapping[str, Any], tables: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Splits and the patterns of their files, those of `data_dir` where no files are listed."""
    value, folder = config.get("data_files"), config.get("data_dir")
    if not value:
        if isinstance(folder, str):
            below = NamePattern(f"{folder}/**")
            names = [name for name in tables if below.matches(name)]
            for name in names:
                yield _split_of(name) or "train", [escape(name)]
            if not names:
                yield "train", [f"{folder}/**"]
        return
    for split, paths in _listed_files(value):
        texts = [str(path) for path in (paths if isinstance(paths, list) else [paths])]
        yield split, [f"{folder}/{text}" for text in texts] if isinstance(folder, str) else texts


def _listed_files(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(split), paths) for split, paths in value.items())
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        for part in value:
            if isinstance(part, Mapping):
                yield str(part.get("split", "train")), part.get("path")
            else:
                yield "train", part
    else:
        yield "train", value
