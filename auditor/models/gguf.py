"""GGUF files, dequantised to float32 and scored like any other model."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auditor.core.contents import require_content
from auditor.core.errors import UsageError, reason_of
from auditor.models import hf
from auditor.models.architectures import context_of, require_causal
from auditor.models.backend import Backend, Fingerprint, Loader, LoadOptions, WeightFiles
from auditor.models.digests import Memo, NoMemo, files_sha256, recall_or
from auditor.models.folder import refuse_embedded_adapter
from auditor.models.placement import resolve_device, resolve_dtype
from auditor.models.tokenizing import front_of, load_tokenizer
from auditor.results.models import ModelIdentity

_MAGIC = b"GGUF"


def accepts(source: str) -> bool:
    """A local file with the suffix or the first bytes of a GGUF file."""
    path = Path(source)
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return path.suffix == ".gguf" or stream.read(4) == _MAGIC


def _facts(path: Path) -> str:
    """Configuration and BOS policy of a file as JSON.

    Raises:
        UsageError: It is incomplete, its architecture is unknown, or it has no tokenizer.
    """
    require_content(path, "binary")
    with path.open("rb") as stream:
        if stream.read(4) != _MAGIC:
            raise UsageError(f"{path} is not a GGUF file", hint="Download the file again.")
    try:
        from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

        config: dict[str, Any] = load_gguf_checkpoint(str(path), return_tensors=False)["config"]
    except Exception as error:
        raise UsageError(
            f"cannot read {path}: {reason_of(error)}",
            hint="The file may be cut short, or of an architecture transformers cannot read from GGUF.",
        ) from error
    require_causal(config, str(path), NoMemo())
    bos = front_of(load_tokenizer(path.parent, gguf_file=path.name)).policy
    plain = {name: value for name, value in config.items() if isinstance(value, int | float | str | bool)}
    return json.dumps({"config": plain, "bos": bos})


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`. Weights and tokenizer are in one file, so their digests are the same."""
    if options.revision is not None:
        raise UsageError(
            f"{source} is a local file and has no revision {options.revision!r}", hint="Leave --revision out."
        )
    if options.tokenizer is not None:
        raise UsageError(
            f"{source} is a GGUF file and holds its own tokenizer, in place of {options.tokenizer}",
            hint="Leave --tokenizer out.",
        )
    path = Path(source)
    refuse_embedded_adapter(path.parent)
    versions = {name: version(name) for name in ("gguf", "torch", "transformers")}
    facts = json.loads(recall_or(memo, f"gguf {json.dumps(versions)}", [path], lambda: _facts(path)))
    device = resolve_device(options.device)
    digest = files_sha256([path], memo)
    return ModelIdentity(
        source=source,
        kind="gguf",
        revision=None,
        weights_sha256=digest,
        tokenizer_sha256=digest,
        dtype=resolve_dtype(options.dtype, device, "float32"),
        device=device,
        context=context_of(facts["config"], options.max_context),
        bos=facts["bos"],
        details=versions,
    )


def files(source: str, options: LoadOptions, memo: Memo) -> list[Path]:
    """See `Loader.files`."""
    refuse_embedded_adapter(Path(source).parent)
    return [Path(source)]


def fingerprint(source: str, options: LoadOptions) -> Fingerprint:
    """See `Loader.fingerprint`."""
    digest = files_sha256([Path(source)], NoMemo())
    return Fingerprint(digest, digest, {})


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`."""
    from auditor.models.runtime.causal import CausalBackend

    path = Path(identity.source)
    model = hf.load_model(path.parent, identity.source, identity.dtype, identity.device, gguf_file=path.name)
    return CausalBackend(model, tokenizer(identity.source, options), identity)


def tokenizer(source: str, options: LoadOptions) -> Any:
    """See `Loader.tokenizer`."""
    return load_tokenizer(Path(source).parent, gguf_file=Path(source).name)


def weights(source: str, options: LoadOptions) -> WeightFiles:
    """See `Loader.weights`."""
    return WeightFiles(unreadable="a GGUF file holds its weights quantised or rearranged")


GGUF = Loader(
    "gguf",
    "a GGUF file, dequantised to float32",
    20,
    accepts,
    identify,
    load,
    tokenizer=tokenizer,
    fingerprint=fingerprint,
    files=files,
    weights=weights,
    # transformers calls the loaded model quantised all the same.
    dequantises=True,
)
