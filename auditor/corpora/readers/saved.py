"""A folder written by `save_to_disk` of the datasets library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.corpora.arrow import BATCH_ROWS, batch_rows
from auditor.corpora.reader import RawRow, Reader, ReadOptions, choose_split, split_of


def _is_dataset(folder: Path) -> bool:
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def _is_dict(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file()


def _is_saved(folder: Path) -> bool:
    return _is_dataset(folder) or _is_dict(folder)


def _accepts(source: str) -> bool:
    folder, _ = split_of(source, _is_saved)
    return _is_saved(folder)


def _refuse_elsewhere(folder: Path) -> None:
    """Refuse a folder whose list of files is damaged or names one outside it."""
    try:
        names = [str(file["filename"]) for file in json.loads((folder / "state.json").read_bytes())["_data_files"]]
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{folder}: state.json is missing or damaged", hint="Save the dataset again.") from None
    for name in names:
        if Path(name).name != name:
            raise UsageError(
                f"{folder}: state.json names {name!r}, which is not in this folder", hint="Save the dataset again."
            )


def _read(source: str, options: ReadOptions) -> Iterator[RawRow]:
    import datasets

    folder, split = split_of(source, _is_saved)
    name = folder.resolve().name
    if _is_dict(folder):
        try:
            splits = [str(known) for known in json.loads((folder / "dataset_dict.json").read_bytes())["splits"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(f"{folder}: dataset_dict.json is damaged", hint="Save the dataset again.") from None
        split = choose_split(splits, split, str(folder))
        # A file from someone else must not lead out of the folder.
        if Path(split).name != split:
            raise UsageError(f"{folder}: {split!r} is not the name of a split", hint="Save the dataset again.")
        name = f"{name}:{split}"
        folder /= split
    elif split is not None:
        raise UsageError(f"{folder}: this saved dataset has no splits", hint=f"Give {folder} without ':{split}'.")
    _refuse_elsewhere(folder)
    try:
        data = datasets.load_from_disk(str(folder)).with_format("arrow")
        batches = data.iter(batch_size=BATCH_ROWS)
    # The errors of the library for a damaged folder are not documented and differ between its versions.
    except Exception as error:
        raise UsageError(
            f"{folder}: not a readable saved dataset ({error})", hint="Save it again with `save_to_disk`."
        ) from None
    yield from batch_rows(batches, name, source)


READER = Reader(
    name="saved dataset",
    formats="a folder saved by `datasets` (FOLDER or FOLDER:SPLIT)",
    accepts=_accepts,
    read=_read,
)
