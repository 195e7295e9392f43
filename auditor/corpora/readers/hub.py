"""A dataset of the Hugging Face Hub: `hf:NAME`, `hf:NAME:SPLIT` or `hf:NAME:CONFIG:SPLIT`.

A dataset in the local cache of the datasets library is read without network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError, reason_of
from auditor.corpora.arrow import BATCH_ROWS, batch_rows
from auditor.corpora.reader import RawRow, Reader, ReadOptions, choose_split

PREFIX = "hf:"
TIMEOUT_SECONDS = 15.0

# The library knows many more kinds of files; these hold text, and none of them runs or unpickles anything.
_SAFE_BUILDERS = frozenset({"arrow", "csv", "json", "parquet", "text"})
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_PART = re.compile(r"\w[\w.-]*")


def _parse(source: str) -> tuple[str, str | None, str | None]:
    """Name, configuration and split."""
    name, *rest = source.removeprefix(PREFIX).split(":")
    if not _NAME.fullmatch(name) or len(rest) > 2 or not all(_PART.fullmatch(part) for part in rest):
        raise UsageError(
            f"{source!r} does not name a dataset of the Hub",
            hint="Write hf:OWNER/NAME, hf:OWNER/NAME:SPLIT or hf:OWNER/NAME:CONFIG:SPLIT; a path stands without 'hf:'.",
        )
    if Path(name).exists():
        raise UsageError(
            f"{source}: {name!r} also exists here as a path, which the datasets library would read instead",
            hint="Give the path without 'hf:', or run from another folder.",
        )
    return name, rest[0] if len(rest) == 2 else None, rest[-1] if rest else None


def _from_cache(name: str, config: str | None) -> Any:
    """All splits by name, memory-mapped."""
    from datasets.packaged_modules.cache.cache import Cache

    builder = Cache(repo_id=name, dataset_name=name.rpartition("/")[2], config_name=config, version="auto", hash="auto")
    return builder.as_dataset()


def _from_hub(name: str, config: str | None, source: str, cached: str) -> Any:
    """All splits by name, streamed, so that reading the first documents of a large dataset does not fetch the rest."""
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    here = f"not in the local cache ({' '.join(cached.split())})"
    if datasets.config.HF_HUB_OFFLINE:
        raise UsageError(
            f"{source}: {here}, and offline mode is on",
            hint="Unset HF_HUB_OFFLINE and HF_DATASETS_OFFLINE, or load the dataset once with network.",
        )
    try:
        # One request without retries, so that a machine without network fails within seconds.
        revision = HfApi().dataset_info(name, timeout=TIMEOUT_SECONDS).sha
        builder = datasets.load_dataset_builder(name, config, revision=revision)
        kind = type(builder).__module__.rpartition(".")[2]
        splits = builder.as_streaming_dataset() if kind in _SAFE_BUILDERS else None
    except HfHubHTTPError as error:
        raise UsageError(
            f"{source}: {here}, and the Hub refuses it: {reason_of(error)}",
            hint="Check the name; for a private or gated dataset, log in with `hf auth login`.",
        ) from None
    except OfflineModeIsEnabled:
        raise UsageError(f"{source}: {here}, and offline mode is on", hint="Unset HF_HUB_OFFLINE.") from None
    # Connection errors differ between HTTP libraries, and configuration errors are plain ValueErrors.
    except Exception as error:
        raise UsageError(
            f"{source}: {here}, and it cannot be fetched from the Hub: {error}",
            hint="Check the network, the name and the configuration; or download it and give its files.",
        ) from None
    if splits is None:
        raise UsageError(f"{source}: a dataset of kind {kind!r}, which is not read", hint="Convert it to Parquet.")
    return splits


def _read(source: str, options: ReadOptions) -> Iterator[RawRow]:
    name, config, split = _parse(source)
    try:
        splits = _from_cache(name, config)
    except (ValueError, OSError) as error:
        splits = _from_hub(name, config, source, str(error))
    try:
        split = choose_split(splits, split, PREFIX + name)
        batches = splits[split].with_format("arrow").iter(batch_size=BATCH_ROWS)
        yield from batch_rows(batches, f"{name}:{split}", source)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{source}: could not be read: {error}", hint="Try again, or download it and give its files."
        ) from None


READER = Reader(
    name="hub",
    formats="hf:NAME[:SPLIT], a dataset of the Hugging Face Hub",
    accepts=lambda source: source.startswith(PREFIX),
    read=_read,
    order=-100,
    is_path=False,
)
