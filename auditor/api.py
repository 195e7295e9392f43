"""The public calls: `check`, `forget` and `run_batch`, the same audits as the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, TypedDict, Unpack

from auditor.audit.run import run_audit
from auditor.core.errors import UsageError
from auditor.core.progress import Progress
from auditor.results.batch import BatchResult
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.result import AuditResult
from auditor.settings import (
    CheckArguments,
    CommonArguments,
    SeriesSettings,
    make_options,
    make_series_settings,
    make_settings,
)

Path = str | PathLike[str]


class SeriesOptions(TypedDict, total=False):
    """What may be asked about a series of checkpoints; see `auditor.settings.SeriesSettings`."""

    general: Path | None
    placebo: Path | None
    relearn: bool
    layers: bool
    tasks: Mapping[str, Path]
    label_column: str
    label_template: str
    forgetting_policy: ForgettingPolicy


class AuditOptions(CheckArguments, SeriesOptions, total=False):
    """All that `check` takes beside its own arguments."""

    checkpoints: Mapping[str, Path]


class ForgetOptions(CommonArguments, SeriesOptions, total=False):
    """All that `forget` takes beside its own arguments."""


def check(
    suspect: Path,
    heldout: Path,
    *,
    model: Path,
    references: Sequence[Path] = (),
    cache_dir: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[AuditOptions],
) -> AuditResult:
    """Was `model` trained on `suspect`? The same audit as `auditor check`.

    Args:
        suspect: Folder, file or `hf:NAME[:SPLIT]` of the documents in question.
        heldout: The same for documents like them that the model cannot have been trained on.
        model: Folder or name of a causal language model, a PEFT adapter folder, or a GGUF file.
        references: Models that cannot have seen the suspect documents.
        cache_dir: Where scores are kept; the platform's cache folder by default.
        name: How the audit is called in its report.
        progress: Told how far scoring is; silent by default.
        **settings: Any other field of `auditor.settings.AuditSettings`, such as `group_column="author"` or `seed=1`,
            and with `checkpoints={"base": ..., "later": ...}` of `SeriesSettings`.

    Returns:
        The result tree; `auditor.write_outputs` renders it.

    Raises:
        UsageError: The request cannot be carried out as given.
        RunError: The run broke.
    """
    if isinstance(references, str | PathLike):
        raise UsageError(f"references is one path, {fspath(references)!r}", hint="Give a list of references.")
    series, rest = _parted(settings)
    if series is not None and "checkpoints" not in series:
        raise UsageError(
            f"{next(iter(series))} asks about forgetting, which needs a series",
            hint="Give checkpoints={'base': ..., 'later': ...}.",
        )
    asked = make_settings(
        suspect=fspath(suspect),
        heldout=fspath(heldout),
        model=fspath(model),
        references=tuple(fspath(reference) for reference in references),
        series=series,
        **rest,
    )
    return run_audit(asked, make_options(name=name, cache_dir=_text(cache_dir)), progress=progress)


def forget(
    suspect: Path,
    heldout: Path,
    *,
    checkpoints: Mapping[str, Path],
    cache_dir: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[ForgetOptions],
) -> AuditResult:
    """What do the checkpoints of a model do with `suspect`? The same audit as `auditor forget`.

    Args:
        suspect: Folder, file or `hf:NAME[:SPLIT]` of the documents in question.
        heldout: The same for documents like them that no checkpoint can have been trained on.
        checkpoints: Model of each checkpoint by its name, the origin first; at least two.
        cache_dir: Where scores are kept; the platform's cache folder by default.
        name: How the audit is called in its report.
        progress: Told how far scoring is; silent by default.
        **settings: Any field of `auditor.settings.SeriesSettings`, such as `general="general.jsonl"` or `relearn=True`,
            and of `AuditSettings`.

    Returns:
        The result tree; `result.forgetting.checkpoints[-1].state` is what its verdict is made from.

    Raises:
        UsageError: The request cannot be carried out as given.
        RunError: The run broke.
    """
    series, rest = _parted({**settings, "checkpoints": checkpoints})
    asked = make_series_settings(series=series, suspect=fspath(suspect), heldout=fspath(heldout), **rest)
    return run_audit(asked, make_options(name=name, cache_dir=_text(cache_dir)), progress=progress)


def run_batch(
    configuration: Path, output: Path, *, cache_dir: Path | None = None, progress: Progress | None = None
) -> BatchResult:
    """Carry out every audit of a configuration file as one gate. The same as `auditor batch`.

    Args:
        configuration: A YAML or TOML file; `auditor schema audits` prints what it may hold.
        output: Folder to write: index.html, junit.xml, summary.md, batch.json, and a folder for each audit. Run again
            with the same folder, audits of which nothing has changed are not run again.
        cache_dir: Where scores are kept; the platform's cache folder by default.
        progress: Told how far scoring is; silent by default.

    Returns:
        What each audit came to; `exit_code` is that of the worst. An audit that breaks is among them as broken and
        raises nothing.

    Raises:
        UsageError: The configuration is wrong, or the folder cannot be used.
        RunError: The folder or the store of scores cannot be written.
    """
    from auditor.batch.read import read_batch
    from auditor.batch.run import run_batch

    return run_batch(
        read_batch(configuration),
        output,
        cache_dir=_text(cache_dir),
        command=f"auditor.run_batch({fspath(configuration)!r}, {fspath(output)!r})",
        progress=progress,
    )


_ABOUT_SERIES = frozenset({*SeriesSettings.model_fields, "forgetting_policy"} - {"policy"})


def _parted(settings: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What is asked about the series, and the rest."""
    series = {key: _plain(key, value) for key, value in settings.items() if key in _ABOUT_SERIES}
    rest = {key: value for key, value in settings.items() if key not in _ABOUT_SERIES}
    if "forgetting_policy" in series:
        series["policy"] = series.pop("forgetting_policy")
    return series or None, rest


def _plain(key: str, value: Any) -> Any:
    """Paths as text, named sources as pairs; what is neither is left for the settings to refuse."""
    if key in ("checkpoints", "tasks") and isinstance(value, Mapping):
        return tuple((name, _plain("", source)) for name, source in value.items())
    return fspath(value) if isinstance(value, PathLike) else value


def _text(path: Path | None) -> str | None:
    return None if path is None else fspath(path)
