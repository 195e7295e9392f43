"""From the sources a user names to models ready to load."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import auditor.models
from auditor.core.errors import UsageError, cannot_read, naming_unreadable
from auditor.core.registry import discover
from auditor.core.text import close_names
from auditor.models.backend import Fingerprint, Loader, LoadOptions, ModelSpec, Origin, changed, no_base, of_reference
from auditor.models.digests import FileSnapshot, Memo, NoMemo
from auditor.models.folder import refuse_pickle


@dataclass(frozen=True, slots=True)
class Models:
    """The audited model and those it is compared with, none of them in memory.

    Attributes:
        target: The audited model.
        references: Models that cannot have seen the data; the base of an adapter first, without being named.
    """

    target: ModelSpec
    references: tuple[ModelSpec, ...]


def all_loaders() -> tuple[Loader, ...]:
    """Every kind of model that can be opened, in the order in which they are tried."""
    return tuple(sorted(discover(auditor.models, Loader), key=lambda loader: loader.order))


@naming_unreadable()
def open_model(source: str, options: LoadOptions | None = None, memo: Memo | None = None) -> ModelSpec:
    """Identify one model without its weights in memory.

    Args:
        source: Path of a model or adapter folder or GGUF file, or the name of a model on the hub, after the prefix of a
            loader where it has one (`untrained:` for the same architecture with random weights).
        options: Device, number format, revision, longest window.
        memo: Remembers digests between runs; the score store is one.

    Raises:
        UsageError: It cannot be audited; the message says why.
        RunError: It cannot be read or fetched.
    """
    options = options or LoadOptions()
    memo = NoMemo() if memo is None else memo
    source, loader = _loader_of(source, options.revision)
    origin = loader.base(source, options)
    snapshot = FileSnapshot.take(partial(loader.files, source, options), memo)
    identity = loader.identify(source, options, memo)
    base = None if origin is None else _open_base(origin, options, identity.context, memo)
    return ModelSpec(identity, loader, options, base, snapshot)


def open_tokenizer(source: str, options: LoadOptions) -> Any:
    """The tokenizer of one model, without hashing or loading its weights; source and errors as of `open_model`."""
    source, loader = _loader_of(source, options.revision)
    return loader.tokenizer(source, options)


def _open_base(origin: Origin, options: LoadOptions, context: int, memo: Memo) -> ModelSpec:
    """The base of an adapter, with windows of the same length: vectors of the adapter may take some of its own."""
    own = dataclasses.replace(options, revision=origin.revision, base=None, tokenizer=origin.tokenizer)
    with origin.naming():
        base = open_model(origin.source, own, memo)
        if base.identity.context == context:
            return base
        return open_model(origin.source, dataclasses.replace(own, max_context=context), memo)


@naming_unreadable()
def base_of(source: str, options: LoadOptions | None = None) -> Origin | None:
    """The base model of an adapter; None for a whole model.

    Raises:
        UsageError: It is no model, or an adapter without a base.
    """
    options = options or LoadOptions()
    source, loader = _loader_of(source, options.revision)
    return loader.base(source, options)


def with_fitting_base(source: str, options: LoadOptions) -> LoadOptions:
    """Options for one model of several, of which some are adapters: no base is named for a whole model."""
    if options.base is None:
        return options
    _, loader = _loader_of(source, options.revision)
    return dataclasses.replace(options, base=None) if loader.base is no_base else options


@naming_unreadable()
def fingerprint_model(source: str, options: LoadOptions | None = None) -> Fingerprint:
    """Hash the files of one model; source and errors as of `open_model`."""
    options = options or LoadOptions()
    source, loader = _loader_of(source, options.revision)
    return loader.fingerprint(source, options)


def _loader_of(source: str, revision: str | None) -> tuple[str, Loader]:
    """The checked source and the loader that opens it."""
    source = check_source(source, revision)
    loader = next((loader for loader in all_loaders() if loader.accepts(source)), None)
    if loader is None:
        raise UsageError(
            f"cannot open {source}: no model of a known kind", hint="Name a folder, a GGUF file or a hub model."
        )
    return source, loader


def open_models(
    target: str, references: Sequence[str] = (), options: LoadOptions | None = None, memo: Memo | None = None
) -> Models:
    """Identify the audited model and its references. Revision, base and tokenizer are the target's.

    Raises:
        UsageError: As `open_model`; or a reference is the target itself.
        RunError: As `open_model`.
    """
    options = options or LoadOptions()
    audited = open_model(target, options, memo)
    reference_by_key = {} if audited.base is None else {audited.base.identity.key: audited.base}
    for source in references:
        spec = open_model(source, of_reference(options), memo)
        if spec.identity.key == audited.identity.key:
            raise UsageError(
                f"the reference {source} is the audited model itself", hint="Name a model without the data."
            )
        reference_by_key.setdefault(spec.identity.key, spec)
    return Models(audited, tuple(reference_by_key.values()))


def in_float32(spec: ModelSpec, memo: Memo | None = None) -> ModelSpec:
    """The same model with its weights in float32, for checks.

    Raises:
        UsageError: It cannot be opened in float32.
        RunError: Its files changed meanwhile.
    """
    if spec.identity.dtype == "float32":
        return spec
    checked = open_model(spec.identity.source, dataclasses.replace(spec.options, dtype="float32"), memo)
    if checked.identity.model_copy(update={"dtype": spec.identity.dtype}) != spec.identity:
        raise changed(spec.identity.source)
    return checked


def check_source(source: str, revision: str | None, folder: str = "") -> str:
    """Expand and check the path in a source, behind any prefix of its kind; a hub name stays as it is.

    Args:
        source: As the user names it.
        revision: Revision of a hub model, if one is named.
        folder: Folder that a relative path starts from; the current directory by default.

    Raises:
        UsageError: It looks like a path and does not exist, or is a pickle.
    """
    prefix = source_prefix(source)
    return prefix + _path_or_name(source.removeprefix(prefix), revision, folder)


def source_prefix(source: str) -> str:
    """The prefix by which a source names its kind, such as `untrained:`; empty for a plain path or hub name."""
    return next((loader.prefix for loader in all_loaders() if loader.prefix and source.startswith(loader.prefix)), "")


def _path_or_name(source: str, revision: str | None, folder: str) -> str:
    """An existing path, or a hub name.

    `folder/name` may be either. Where the folder exists and holds something of a similar name, it is taken for a
    mistyped path, so that nothing typed by mistake goes over the network; a revision makes it a hub name.
    """
    try:
        path = Path(folder, Path(source).expanduser())
        exists = path.exists() and bool(source.strip())
    except PermissionError as error:
        raise cannot_read(source, error) from error
    except OSError as error:
        raise cannot_read(source, error) from error
    except RuntimeError as error:
        raise UsageError(f"{source} cannot be a path: {error}", hint="Check the path of the model.") from error
    if exists:
        refuse_pickle(str(path))
        return str(path)
    named = str(path) if folder else source
    looks_local = source.startswith((".", "/", "~", "\\")) or source.count("/") > 1 or "\\" in source
    looks_local = looks_local or path.suffix in (".gguf", ".safetensors") or not source.strip()
    close = close_names(path)
    if looks_local:
        refuse_pickle(named)
        no_folder = "" if path.parent.is_dir() else f"The folder {path.parent} does not exist either."
        raise UsageError(f"{named} does not exist", hint=close or no_folder or "Check the path of the model.")
    if close and "/" in source and revision is None:
        raise UsageError(
            f"{named} does not exist", hint=f"{close} If a model on the hub is meant, name its revision, such as main."
        )
    return source
