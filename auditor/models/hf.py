"""Model folders as transformers saves them, and models named by their name on the hub."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auditor.core.errors import AuditorError, RunError, UsageError, reason_of
from auditor.core.text import close_names
from auditor.models.architectures import auto_class, changes_with_length, context_of, vocabulary_of
from auditor.models.backend import Backend, Fingerprint, Loader, LoadOptions, WeightFiles
from auditor.models.digests import Memo, NoMemo, file_sha256, files_sha256, recall_or
from auditor.models.folder import (
    WEIGHT_INDEX,
    ModelFolder,
    read_folder,
    read_folder_config,
    stored_dtype,
    weight_files,
    wrong_config,
)
from auditor.models.placement import resolve_device, resolve_dtype
from auditor.models.tokenizing import chosen_tokenizer, front_of, load_tokenizer, require_vocabulary, tokenizer_files
from auditor.results.models import ModelIdentity

_NUMBER = re.compile(r"\.\d+\.")
_BUFFER = re.compile(r"(inv_freq|masked_bias|position_ids|\battn\.bias|\battention\.bias|_float_tensor)$")
"""Constants that earlier versions of transformers saved among the weights."""


def accepts(source: str) -> bool:
    """A folder, or a name that is not a path; `identify` reports what is missing from it."""
    path = Path(source)
    return path.is_dir() or not path.exists()


def locate(source: str, revision: str | None) -> Path:
    """The folder of a source.

    Raises:
        UsageError: A revision was given for a local folder, or the model does not exist.
        RunError: It cannot be fetched.
    """
    path = Path(source)
    if not path.is_dir():
        return fetch(source, revision)
    if revision is not None:
        raise UsageError(f"{source} is a local folder and has no revision {revision!r}", hint="Leave --revision out.")
    return path


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`."""
    folder = read_folder(locate(source, options.revision), memo)
    return identity_of(folder, source, options, memo, tokenizer_folder=chosen_tokenizer(options, folder.path))


def files(source: str, options: LoadOptions, memo: Memo) -> list[Path]:
    """See `Loader.files`."""
    folder = read_folder(locate(source, options.revision), memo)
    return files_of(folder, chosen_tokenizer(options, folder.path))


def files_of(folder: ModelFolder, tokenizer_folder: Path) -> list[Path]:
    """The files of a checked folder, and those of the tokenizer of this or another one."""
    index = [path for path in (folder.path / WEIGHT_INDEX,) if path.is_file()]
    return [folder.path / "config.json", *index, *folder.weights, *tokenizer_files(tokenizer_folder)]


def fingerprint(source: str, options: LoadOptions) -> Fingerprint:
    """See `Loader.fingerprint`."""
    folder = locate(source, options.revision)
    return fingerprint_of(folder, weight_files(folder), chosen_tokenizer(options, folder), NoMemo())


def fingerprint_of(folder: Path, weights: Sequence[Path], tokenizer_folder: Path, memo: Memo) -> Fingerprint:
    """The digests of weight files, of the configuration in a folder and of the tokenizer of this or another one."""
    return Fingerprint(
        files_sha256(weights, memo),
        files_sha256(tokenizer_files(tokenizer_folder), memo),
        {"config_sha256": file_sha256(folder / "config.json")},
    )


def identity_of(
    folder: ModelFolder,
    source: str,
    options: LoadOptions,
    memo: Memo,
    *,
    tokenizer_folder: Path,
    vocabulary: int | None = None,
) -> ModelIdentity:
    """The identity of a checked folder with the tokenizer of this or another one.

    Args:
        folder: The folder.
        source: The model as the user names it.
        options: How it is loaded.
        memo: Remembers digests.
        tokenizer_folder: Folder of its tokenizer.
        vocabulary: Number of tokens, where an adapter changes it.
    """
    device = resolve_device(options.device)
    files = tokenizer_files(tokenizer_folder)
    size = vocabulary or vocabulary_of(folder.config)
    if options.tokenizer is not None and size is not None:
        require_vocabulary(tokenizer_folder, source, size, memo)
    hashed = fingerprint_of(folder.path, folder.weights, tokenizer_folder, memo)
    policy = recall_or(
        memo, f"bos {version('transformers')}", files, lambda: front_of(load_tokenizer(tokenizer_folder)).policy
    )
    return ModelIdentity(
        source=source,
        kind="hf",
        revision=None if Path(source).is_dir() else folder.path.name,
        weights_sha256=hashed.weights_sha256,
        tokenizer_sha256=hashed.tokenizer_sha256,
        dtype=resolve_dtype(options.dtype, device, stored_dtype(folder.weights)),
        device=device,
        context=context_of(folder.config, options.max_context),
        bos=policy,
        details={
            **hashed.details,
            "torch": version("torch"),
            "transformers": version("transformers"),
            # Such scores depend on which windows share a pass, so that those of other passes are not served.
            **({"passes": "by length"} if changes_with_length(folder.config) else {}),
        },
    )


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`."""
    from auditor.models.runtime.causal import CausalBackend

    folder = locate(identity.source, options.revision)
    model = load_model(folder, identity.source, identity.dtype, identity.device)
    return CausalBackend(model, tokenizer_in(folder, options), identity)


def load_model(folder: Path, source: str, dtype: str, device: str, **where: Any) -> Any:
    """A transformers model in evaluation mode on its device, every weight of it read from the file.

    Raises:
        RunError: It cannot be loaded, or some of its weights are missing.
    """
    import torch

    try:
        config = read_config(folder, **where)
        with quiet_transformers():
            model, report = auto_class(config).from_pretrained(
                folder,
                config=config,
                dtype=getattr(torch, dtype),
                device_map=None if device == "cpu" else device,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                # Refused below with names and sizes.
                ignore_mismatched_sizes=True,
                **where,
            )
    except AuditorError:
        raise
    except Exception as error:
        raise RunError(
            f"cannot load {source}: {reason_of(error, typed=True)}",
            hint="Check that the files are whole and, for a quantised model, that its library is installed.",
        ) from error
    for name, stored, declared in sorted(report.get("mismatched_keys", ())):
        raise RunError(
            f"{source} holds {name} in the size {_size(stored)}, and its configuration declares {_size(declared)}",
            hint="The weights and config.json do not belong together; copy both again.",
        )
    wrong = report.get("missing_keys", ())
    if wrong:
        shown = ", ".join(sorted(wrong)[:3])
        raise RunError(
            f"{source} lacks {len(wrong)} weights that its configuration declares ({shown})",
            hint="The weights and config.json do not belong together; copy both again.",
        )
    unused = sorted(report.get("unexpected_keys", ()))
    if unused and config.architectures and type(model).__name__ not in config.architectures:
        raise RunError(
            f"{source} holds {len(unused)} weights that {type(model).__name__} does not use ({', '.join(unused[:3])}),"
            f" so its own architecture ({', '.join(config.architectures)}) computes something else",
            hint="Use a checkpoint of an architecture that transformers itself implements.",
        )
    if not where and not getattr(config, "quantization_config", None):
        _refuse_unused(model, report.get("unexpected_keys", ()), source)
    return model.eval()


def _size(shape: Sequence[int]) -> str:
    return " x ".join(f"{length:,}" for length in shape)


def _refuse_unused(model: Any, names: Iterable[str], source: str) -> None:
    """Refuse weights for modules of the model that its configuration leaves out, such as biases and further layers.

    Heads of other tasks and towers for images, which are no part of the language model, are left aside.
    """
    modules = {name for name, _ in model.named_modules()}
    layers = {_NUMBER.sub(".#.", name) for name, _ in model.named_parameters()}
    unused = []
    for name in sorted(names):
        spellings = (name, f"{model.base_model_prefix}.{name}")
        known = any(s.rpartition(".")[0] in modules or _NUMBER.sub(".#.", s) in layers for s in spellings)
        if known and not _BUFFER.search(name):
            unused.append(name)
    if unused:
        raise RunError(
            f"{source} holds {len(unused)} weights that its configuration has no place for ({', '.join(unused[:3])})",
            hint="The weights and config.json do not belong together; copy both again.",
        )


def read_config(folder: Path, **where: Any) -> Any:
    """A model's configuration.

    transformers chooses for this machine how attention and experts are computed, never the files: a configuration can
    name a kernel on the hub, whose code would be fetched and run.

    Raises:
        UsageError: transformers refuses it.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **where)
    except Exception as error:
        if where:
            raise  # The file that the configuration is a part of is named where it is loaded.
        raise wrong_config(folder, error) from error
    config._attn_implementation = config._experts_implementation = None
    return config


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing; it raises its errors."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The progress bar of GGUF files ignores these settings.
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def tokenizer(source: str, options: LoadOptions) -> Any:
    """See `Loader.tokenizer`."""
    return tokenizer_in(locate(source, options.revision), options)


def tokenizer_in(folder: Path, options: LoadOptions) -> Any:
    """The named tokenizer, or that of a model's folder."""
    return load_tokenizer(chosen_tokenizer(options, folder))


def weights(source: str, options: LoadOptions) -> WeightFiles:
    """See `Loader.weights`."""
    return weights_of(locate(source, options.revision))


def weights_of(folder: Path) -> WeightFiles:
    """The stored tensors of a folder."""
    config = read_folder_config(folder)
    if config.get("quantization_config"):
        return WeightFiles(unreadable="its weights are quantised")
    return WeightFiles(tuple(weight_files(folder)), tied=config.get("tie_word_embeddings") is not False)


HF = Loader(
    "hf",
    "a folder as transformers saves it (safetensors), or the name of a hub model",
    100,
    accepts,
    identify,
    load,
    tokenizer=tokenizer,
    fingerprint=fingerprint,
    files=files,
    weights=weights,
)


# Pickles are never fetched. Weight files in other folders (original/, onnx/) are not what transformers loads.
_PATTERNS = ["*.safetensors", "*.json", "*.model", "vocab.txt", "merges.txt", "*.jinja"]


def fetch(name: str, revision: str | None) -> Path:
    """The folder of a hub model's files, whose name is its commit.

    Args:
        name: `owner/model`.
        revision: Branch, tag or commit; the main branch by default.

    Raises:
        UsageError: The model or revision does not exist.
        RunError: It is not in the local cache and cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    refused: UsageError | None = None
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
        weight_files(folder)
        return folder
    except HFValidationError as error:
        raise UsageError(
            f"{name!r} is neither a path nor the name of a hub model", hint=_hint(name, "Check the name.")
        ) from error
    except UsageError as error:
        refused = error
    except (OSError, ValueError):
        pass
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_PATTERNS, ignore_patterns=["*/*"]))
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UsageError(
            f"{name} is not a path here, and the hub has no such model or revision",
            hint=_hint(name, "Check the name; for a private model log in with `hf auth login`."),
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        if refused is not None:
            raise refused from error
        raise RunError(
            f"{name} is not a path here, not in the local cache, and cannot be fetched: {reason_of(error)}",
            hint=_hint(name, "Check the path, or the connection to the hub, or download the model beforehand."),
        ) from error


def _hint(name: str, hint: str) -> str:
    """A hint, after the local paths that are similar to the name."""
    return f"{close_names(Path(name))} {hint}".strip()
