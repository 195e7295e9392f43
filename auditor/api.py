"""The public calls `check`, `forget`, `run_test` and `run_batch`: the same audits as the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, Literal, TypedDict, Unpack

from auditor.audit.run import run_audit
from auditor.core.errors import UsageError
from auditor.core.progress import Progress
from auditor.dealt.settings import PlanTestSettings, make_plan_test_settings
from auditor.results.batch import BatchResult
from auditor.results.dealt.policy import DealtPolicy
from auditor.results.dealt.result import DealtResult
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.settings import AuditSettings, SeriesSettings, make_options, make_series_settings, make_settings

Path = str | PathLike[str]

# Type checkers need the keyword arguments written out: they cannot derive them from the fields of the settings. A test
# holds them equal.


class SharedArguments(TypedDict, total=False):
    """The settings that `check` and `forget` both take; see `auditor.settings`."""

    text_column: str
    chat_template: Path | None
    score: Literal["assistant", "all"]
    group_column: str | None
    group_by: Literal["document", "parent"]
    limit: int | None
    suffix: tuple[str, ...]
    normalise: bool
    device: str
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    revision: str | None
    base: Path | None
    tokenizer: Path | None
    context: int
    max_tokens: int | None
    permutations: int
    seed: int
    require_control: bool
    reveal: bool
    policy: Policy
    general: Path | None
    placebo: Path | None
    relearn: bool
    layers: bool
    tasks: Mapping[str, Path]
    label_column: str
    label_template: str
    forgetting_policy: ForgettingPolicy


class CheckArguments(SharedArguments, total=False):
    """The settings that only `check` takes as keywords."""

    features: str
    procedures: tuple[str, ...]
    checkpoints: Mapping[str, Path]


def check(
    suspect: Path,
    heldout: Path,
    *,
    model: Path,
    references: Sequence[Path] = (),
    cache_dir: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[CheckArguments],
) -> AuditResult:
    """Was `model` trained on `suspect`? The same audit as `auditor check`.

    Args:
        suspect: Folder, file or `hf:NAME[:SPLIT]` of the documents in question.
        heldout: The same for comparable documents that the model cannot have been trained on.
        model: Folder or name of a causal language model, a PEFT adapter folder, or a GGUF file.
        references: Models that cannot have seen the suspect documents.
        cache_dir: Folder of the score store; the platform's cache folder by default.
        name: Name of the audit in its report.
        progress: Receives the progress of scoring; silent by default.
        **settings: Any other field of `auditor.settings.AuditSettings`, such as `group_column="author"` or `seed=1`,
            and with `checkpoints={"base": ..., "later": ...}` of `SeriesSettings`.

    Returns:
        The result tree; `auditor.write_outputs` renders it.

    Raises:
        UsageError: The request cannot be carried out as given.
        RunError: The run broke.
    """
    audit = check_settings(suspect, heldout, model=model, references=references, **settings)
    return run_audit(audit, make_options(name=name, cache_dir=_text(cache_dir)), progress=progress)


def forget(
    suspect: Path,
    heldout: Path,
    *,
    checkpoints: Mapping[str, Path],
    cache_dir: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[SharedArguments],
) -> AuditResult:
    """Do the checkpoints of a model still remember `suspect`? The same audit as `auditor forget`.

    Args:
        suspect: Folder, file or `hf:NAME[:SPLIT]` of the documents in question.
        heldout: The same for comparable documents that no checkpoint can have been trained on.
        checkpoints: Model of each checkpoint by its name, the origin first; at least two.
        cache_dir: Folder of the score store; the platform's cache folder by default.
        name: Name of the audit in its report.
        progress: Receives the progress of scoring; silent by default.
        **settings: Any field of `auditor.settings.SeriesSettings`, such as `general="general.jsonl"` or `relearn=True`,
            and of `AuditSettings`.

    Returns:
        The result tree; its verdict follows from `result.forgetting.checkpoints[-1].state`.

    Raises:
        UsageError: The request cannot be carried out as given.
        RunError: The run broke.
    """
    audit = forget_settings(suspect, heldout, checkpoints=checkpoints, **settings)
    return run_audit(audit, make_options(name=name, cache_dir=_text(cache_dir)), progress=progress)


class PlanTestArguments(TypedDict, total=False):
    """The settings of a test of dealt material that are keywords of `run_test`; see `auditor.dealt.settings`."""

    order: Path | None
    identifiers: Path | None
    field: str | None
    shard: int
    orders: int
    batch: int
    scores: Path | None
    released: str | None
    reference_released: str | None
    look: int
    sequential: bool
    device: str
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    revision: str | None
    base: Path | None
    tokenizer: Path | None
    context: int
    max_tokens: int | None
    permutations: int
    seed: int
    reveal: bool
    policy: DealtPolicy


def run_test(
    model: Path = "",
    *,
    plan: Path = "",
    references: Sequence[Path] = (),
    cache_dir: Path | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[PlanTestArguments],
) -> DealtResult:
    """Does `model` depend on what the coins of `plan` published? The same test as `auditor test`.

    Args:
        model: Folder or name of a causal language model, a PEFT adapter folder, or a GGUF file; left out where `scores`
            has the scores of another party.
        plan: Folder of the plan that `auditor plant` made. That the batch was opened is noted in it. Left out where
            `order` names a file that was published in random order, or `identifiers` documents with identifiers.
        references: Models that cannot have seen the published text.
        cache_dir: Folder of the score store; the platform's cache folder by default.
        name: Name of the test in its report.
        progress: Receives the progress of scoring; silent by default.
        **settings: Any other field of `auditor.dealt.settings.PlanTestSettings`, such as `batch=2` or
            `released="2026-05-01"`.

    Returns:
        The result; `auditor.write_outputs` renders it.

    Raises:
        UsageError: The request cannot be carried out as given, or the batch is not what was committed to.
        RunError: The run broke.
    """
    from auditor.dealt.run import run_plan_test

    chosen = plan_test_settings(model, plan=plan, references=references, **settings)
    return run_plan_test(chosen, make_options(name=name, cache_dir=_text(cache_dir)), progress=progress)


def run_batch(
    configuration: Path, output: Path, *, cache_dir: Path | None = None, progress: Progress | None = None
) -> BatchResult:
    """Run every audit of a configuration file as one gate. The same as `auditor batch`.

    Args:
        configuration: A YAML or TOML file; `auditor schema audits` prints its schema.
        output: Folder to write: index.html, junit.xml, summary.md, batch.json, and a folder for each audit. Audits
            whose results are there and whose inputs are unchanged are not run again.
        cache_dir: Folder of the score store; the platform's cache folder by default.
        progress: Receives the progress of scoring; silent by default.

    Returns:
        The outcome of each audit; `exit_code` is that of the worst. An audit that breaks is recorded as broken and
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


def check_settings(
    suspect: Path, heldout: Path, *, model: Path, references: Sequence[Path] = (), **settings: Unpack[CheckArguments]
) -> AuditSettings:
    """The settings of a `check` with these arguments.

    Raises:
        UsageError: The request cannot be carried out as given.
    """
    if isinstance(references, str | PathLike):
        raise UsageError(f"references is one path, {fspath(references)!r}", hint="Give a list of references.")
    series, rest = _split(settings)
    if series is not None and "checkpoints" not in series:
        raise UsageError(
            f"{next(iter(series))} needs a series of checkpoints",
            hint="Give checkpoints={'base': ..., 'later': ...}.",
        )
    return make_settings(
        suspect=fspath(suspect),
        heldout=fspath(heldout),
        model=fspath(model),
        references=tuple(fspath(reference) for reference in references),
        series=series,
        **rest,
    )


def plan_test_settings(
    model: Path = "", *, plan: Path = "", references: Sequence[Path] = (), **settings: Unpack[PlanTestArguments]
) -> PlanTestSettings:
    """The settings of a test of dealt material with these arguments; errors as of `check_settings`."""
    if isinstance(references, str | PathLike):
        raise UsageError(f"references is one path, {fspath(references)!r}", hint="Give a list of references.")
    return make_plan_test_settings(
        model=fspath(model),
        plan=fspath(plan),
        references=tuple(fspath(reference) for reference in references),
        **{key: _plain(key, value) for key, value in settings.items()},
    )


def forget_settings(
    suspect: Path, heldout: Path, *, checkpoints: Mapping[str, Path], **settings: Unpack[SharedArguments]
) -> AuditSettings:
    """The settings of a `forget` with these arguments; errors as of `check_settings`."""
    series, rest = _split({**settings, "checkpoints": checkpoints})
    return make_series_settings(series=series, suspect=fspath(suspect), heldout=fspath(heldout), **rest)


_SERIES = frozenset({*SeriesSettings.model_fields, "forgetting_policy"} - {"policy"})


def _split(settings: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The settings of the series, None where there are none, and the rest."""
    series = {key: _plain(key, value) for key, value in settings.items() if key in _SERIES}
    rest = {key: _plain(key, value) for key, value in settings.items() if key not in _SERIES}
    if "forgetting_policy" in series:
        series["policy"] = series.pop("forgetting_policy")
    return series or None, rest


def _plain(key: str, value: Any) -> Any:
    """Paths as text and mappings as pairs; anything else is left for the settings to refuse."""
    if key in ("checkpoints", "tasks") and isinstance(value, Mapping):
        return tuple((name, _plain("", source)) for name, source in value.items())
    return fspath(value) if isinstance(value, PathLike) else value


def _text(path: Path | None) -> str | None:
    return None if path is None else fspath(path)
