"""PEFT adapters, scored unmerged over their base; with the adapter switched off the same memory is the base."""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auditor.errors import RunError, UsageError
from auditor.models import hf
from auditor.models.backend import Backend, Loader, LoadOptions, ModelIdentity
from auditor.models.digests import Memo, file_sha256, files_sha256
from auditor.models.folder import read_folder, read_json, weight_files
from auditor.models.tokenizing import first_line, has_tokenizer, load_tokenizer

_CONFIG = "adapter_config.json"
_STEM = "adapter_model"
_PROMPTS = {
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
}


def accepts(source: str) -> bool:
    """A local folder with an adapter and no whole model."""
    path = Path(source)
    return (path / _CONFIG).is_file() and not (path / "config.json").is_file()


def base(source: str) -> str:
    """The model the adapter was trained on, as its configuration names it: a path (relative to it too) or hub name.

    Raises:
        UsageError: It names none.
    """
    config = read_json(Path(source) / _CONFIG)
    named = str(config.get("base_model_name_or_path") or "")
    if not named:
        raise UsageError(f"{source}/{_CONFIG} names no base model", hint="Set base_model_name_or_path to its path.")
    beside = Path(source) / named
    return str(beside) if not Path(named).exists() and beside.is_dir() else named


def _checked(source: str) -> Path:
    folder = Path(source)
    config = read_json(folder / _CONFIG)
    kind, task = str(config.get("peft_type")), config.get("task_type")
    if kind in _PROMPTS:
        raise UsageError(
            f"{source} is a {kind} adapter, which puts trained vectors in front of the text",
            hint="Adapters that change weights (LoRA and its kin) can be audited.",
        )
    if task not in (None, "CAUSAL_LM"):
        raise UsageError(f"{source} is an adapter for {task}, not for a causal language model")
    return folder


def _tokenizer_folder(adapter: Path, model: Path) -> Path:
    """The adapter's own tokenizer where it was saved with one, its base's otherwise."""
    return adapter if has_tokenizer(adapter) else model


def identify(source: str, options: LoadOptions, memo: Memo) -> ModelIdentity:
    """See `Loader.identify`: the identity is that of the base with the adapter's digests added."""
    if options.revision is not None:
        raise UsageError(
            f"{source} is a local folder and has no revision {options.revision!r}", hint="Leave --revision out."
        )
    folder = _checked(source)
    weights = weight_files(folder, _STEM)
    model = read_folder(hf.locate(base(source), None))
    found = hf.identity_of(model, base(source), options, memo, tokenizer_folder=_tokenizer_folder(folder, model.path))
    return dataclasses.replace(
        found,
        source=source,
        kind="peft",
        revision=None,
        weights_sha256=files_sha256([*model.weights, *weights], memo),
        details={
            **found.details,
            "adapter_config_sha256": file_sha256(folder / _CONFIG),
            "peft": version("peft"),
        },
    )


def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
    """See `Loader.load`."""
    from peft import PeftModel

    from auditor.models.runtime.causal import CausalBackend

    source, folder = base(identity.source), Path(identity.source)
    where = hf.locate(source, None)
    inner = hf.load_model(where, source, identity.dtype, identity.device)
    try:
        model: Any = PeftModel.from_pretrained(inner, str(folder), autocast_adapter_dtype=False).eval()
    except Exception as error:
        raise RunError(
            f"cannot load the adapter {identity.source}: {type(error).__name__}: {first_line(error)}",
            hint="Check that it was trained on the base it names and that its files are whole.",
        ) from error

    def make_base(base_identity: ModelIdentity) -> CausalBackend:
        return CausalBackend(model, load_tokenizer(where), base_identity, switch=model.disable_adapter)

    tokenizer = load_tokenizer(_tokenizer_folder(folder, where))
    return CausalBackend(model, tokenizer, identity, make_base=make_base)


PEFT = Loader(
    "peft", "a folder with a PEFT adapter (LoRA and its kin), scored unmerged", 50, accepts, identify, load, base
)
