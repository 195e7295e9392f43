"""Opening a series: checkpoints whose figures can be compared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.forgetting.series import NamedCheckpoint
from auditor.models.backend import LoadOptions
from auditor.models.digests import Memo
from auditor.models.loading import open_model, with_fitting_base
from auditor.models.tokenizing import tokenizer_difference


def open_checkpoints(
    checkpoints: Sequence[tuple[str, str]], options: LoadOptions, memo: Memo
) -> tuple[NamedCheckpoint, ...]:
    """Identify the checkpoints of a series, none of them in memory, and see that they can be compared.

    Losses per byte of two models are comparable where both read the same tokens in the same windows, with the same
    number format; what differs between checkpoints must be their weights alone.

    Args:
        checkpoints: Name and source of each, in order. A hub model may be named with a revision, `NAME@REVISION`, which
            takes precedence over that of the options.
        options: How they are loaded.
        memo: Remembers digests between runs.

    Raises:
        UsageError: One cannot be audited; two are the same model, or differ in tokenizer, number format or window.
        RunError: One cannot be read or fetched.
    """
    series: list[NamedCheckpoint] = []
    for name, source in checkpoints:
        path, revision = _revision(source)
        chosen = options if revision is None else dataclasses.replace(options, revision=revision)
        series.append(NamedCheckpoint(name, open_model(path, with_fitting_base(path, chosen), memo)))
    for at, checkpoint in enumerate(series):
        for earlier in series[:at]:
            if earlier.spec.identity.key == checkpoint.spec.identity.key:
                raise UsageError(
                    f"the checkpoints {_called(earlier)} and {_called(checkpoint)} are one and the same model",
                    hint="Name each model of the series once.",
                )
        if at:
            _require_comparable(series[0], checkpoint)
    return tuple(series)


def _revision(source: str) -> tuple[str, str | None]:
    """A source and its revision; what can only be a path, or is there under that very name, is meant as it is."""
    match = re.fullmatch(r"(\w[\w.-]*(?:/[\w.-]+)?)@(\S+)", source)
    if match is None or Path(source).exists():
        return source, None
    return match[1], match[2]


def _called(checkpoint: NamedCheckpoint) -> str:
    return f"{checkpoint.name!r} ({checkpoint.spec.identity.source})"


def _require_comparable(origin: NamedCheckpoint, other: NamedCheckpoint) -> None:
    first, second = origin.spec.identity, other.spec.identity
    both = f"the checkpoints {_called(origin)} and {_called(other)}"
    # Files saved again by another version differ and cut text alike, so the tokenizers are asked.
    if (first.tokenizer_sha256, first.bos) != (second.tokenizer_sha256, second.bos):
        differs = tokenizer_difference(origin.spec.tokenizer(), other.spec.tokenizer())
        if differs:
            raise UsageError(
                f"{both} have different tokenizers: {differs}",
                hint="A series needs one tokenizer, or its losses cannot be compared; check each model's folder.",
            )
    if first.dtype != second.dtype:
        raise UsageError(
            f"{both} would be computed in different number formats, {first.dtype} and {second.dtype}",
            hint="Choose one for all of them, such as --dtype float32.",
        )
    if first.context != second.context:
        raise UsageError(
            f"{both} read windows of different length, {first.context:,} and {second.context:,} tokens",
            hint=f"Give --context {min(first.context, second.context)}.",
        )
