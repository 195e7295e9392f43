"""The untrained twin of a model: the same architecture and tokenizer with random weights, as a baseline."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.core.errors import RunError, UsageError, reason_of
from auditor.models import gguf, hf, peft
from auditor.models.architectures import auto_class
from auditor.models.backend import Backend, Fingerprint, Loader, LoadOptions, Origin
from auditor.models.digests import Memo, NoMemo
from auditor.models.folder import read_folder
from auditor.models.tokenizing import chosen_tokenizer, load_tokenizer, tokenizer_files
from auditor.results.models import ModelIdentity

PREFIX = "untrained:"
"""Precedes the model whose architecture is origin."""

SEED = 1729
"""Seed of the weights, drawn from the architecture's own initial distribution. No training is likely to have begun with
it, so that the twin is not the model's own first state."""


def accepts(source: str) -> bool:
    """A source that begins with `untrained:`."""
    return source.startswith(PREFIX)


def _architecture(source: str, options: LoadOptions) -> Origin:
    """The model whose architecture is meant: the base of an adapter.

    Raises:
        UsageError: The source is a GGUF file, or a revision was given for an adapter.
    """
    named = source.removeprefix(PREFIX)
    if gguf.accepts(named):
        raise UsageError(
            f"there is no untrained twin of {named}: a GGUF file does not say how its weights were initialised",
            hint="Name the model's folder as transformers saves it.",
        )
    if not peft.accepts(named):
        return Origin(named, options.revision)
    if options.revision is not None:
        raise UsageError(
            f"{named} is a local folder and has no revision {options.revision!r}", hint="Leave --revision out."
        )
    return peft.base(named, options)


def _tokenizer_folder(source: str, model: Path, options: LoadOptions) -> Path:
    named = source.removeprefix(PREFIX)
    if peft.accepts(named):
        return peft.tokenizer_folder(Path(named), model, options)
    return chosen_tokenizer(options, model)


def no_base(source: str, options: LoadOptions) -> None:
    """An untrained model was made from no other; that of an adapter has the architecture of its base."""


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`; the weights' digest is that of the distribution and seed they are drawn from."""
    origin = _architecture(source, options)
    folder = read_folder(hf.locate(origin.source, origin.revision), memo)
    identity = hf.identity_of(
        folder, origin.source, options, memo, tokenizer_folder=_tokenizer_folder(source, folder.path, options)
    )
    return identity.model_copy(
        update={
            "source": source,
            "kind": "untrained",
            "weights_sha256": _weights_sha256(identity.details),
            "details": {**identity.details, "seed": str(SEED)},
        }
    )


def _weights_sha256(details: Mapping[str, str]) -> str:
    """Digest of the configuration and the seed that the weights are drawn from."""
    return hashlib.sha256(json.dumps([details["config_sha256"], SEED]).encode()).hexdigest()


def files(source: str, options: LoadOptions, memo: Memo) -> list[Path]:
    """See `Loader.files`: no weight files, as none are read."""
    origin = _architecture(source, options)
    folder = read_folder(hf.locate(origin.source, origin.revision), memo).path
    return [folder / "config.json", *tokenizer_files(_tokenizer_folder(source, folder, options))]


def fingerprint(source: str, options: LoadOptions) -> Fingerprint:
    """See `Loader.fingerprint`."""
    origin = _architecture(source, options)
    folder = hf.locate(origin.source, origin.revision)
    twin = hf.fingerprint_of(folder, (), _tokenizer_folder(source, folder, options), NoMemo())
    return dataclasses.replace(twin, weights_sha256=_weights_sha256(twin.details))


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`.

    Raises:
        RunError: The model cannot be built from its configuration.
    """
    import torch

    from auditor.models.runtime.causal import CausalBackend

    origin = _architecture(identity.source, options)
    folder = hf.locate(origin.source, origin.revision)
    try:
        with hf.quiet_transformers(), torch.random.fork_rng(devices=[]):
            config = hf.read_config(folder)
            # The storage format of trained weights does not matter here, and its library may refuse random ones.
            if hasattr(config, "quantization_config"):
                del config.quantization_config
            torch.default_generator.manual_seed(SEED)
            # Drawn in float32 on the CPU whatever comes after, so that the weights are the same on every device.
            opener = auto_class(config)
            build = getattr(opener, "from_config", None) or opener._from_config
            model = build(config, dtype=torch.float32)
    except Exception as error:
        raise RunError(
            f"cannot build {identity.source}: {reason_of(error, typed=True)}",
            hint="Leave the untrained twin out.",
        ) from error
    model = model.to(device=identity.device, dtype=getattr(torch, identity.dtype)).eval()
    return CausalBackend(model, tokenizer(identity.source, options), identity)


def tokenizer(source: str, options: LoadOptions) -> Any:
    """See `Loader.tokenizer`."""
    origin = _architecture(source, options)
    return load_tokenizer(_tokenizer_folder(source, hf.locate(origin.source, origin.revision), options))


TWIN = Loader(
    "untrained",
    "`untrained:` and a model: its architecture and tokenizer with random weights",
    10,
    accepts,
    identify,
    load,
    no_base,
    tokenizer=tokenizer,
    fingerprint=fingerprint,
    files=files,
    prefix=PREFIX,
)
