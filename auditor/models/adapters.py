"""What the configuration and the tensors of a PEFT adapter say of it, before anything is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError
from auditor.models.folder import ADAPTER, ModelFolder, read_header, read_json, wrapper_note

Header = Mapping[str, Mapping[str, Any]]
"""The tensors that a safetensors file declares, as `read_header` gives them."""

PROMPTS = frozenset({"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "CARTRIDGE"})
"""Kinds whose vectors are read before the text; all others change how the text itself is computed."""

_REFUSED = {
    "MULTITASK_PROMPT_TUNING": "puts vectors of one of several tasks before the text, and a document names no task",
    "POLY": "mixes its parts by the task, and a document names none",
    "XLORA": "mixes other adapters by what the whole text holds, so a token would be scored in the light of later ones",
    "LILY": "mixes its parts by what the whole text holds, so a token would be scored in the light of later ones",
}
_OF_TOKENS = frozenset({"embed_tokens", "wte", "word_embeddings", "embed_in", "tok_embeddings", "lm_head", "embed_out"})
_MERGE = "Merge it into its base where you trained it (merge_and_unload, then save_pretrained) and audit that model."
_FACTORS = re.compile(r"(?P<module>.+)\.(?P<factor>lora_A|lora_B)\.weight")
_PARTS = re.compile(r"\.(?:modules_to_save|base_layer|original_module|token_adapter)(?=\.)")


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """The configuration of an adapter that can be scored.

    Raises:
        UsageError: It is for another task, or of a kind that gives a document no likelihood of its own.
    """
    config = read_json(folder / ADAPTER)
    kind, task = str(config.get("peft_type")), config.get("task_type")
    if kind in _REFUSED:
        raise UsageError(f"{folder} is an adapter of the kind {kind}, which {_REFUSED[kind]}", hint=_MERGE)
    if config.get("alora_invocation_tokens"):
        raise UsageError(
            f"{folder} is an activated LoRA, which acts only after its invocation tokens in a text",
            hint="Documents hold none, so the figures would be those of its base; audit the base instead.",
        )
    if kind in PROMPTS and not virtual_tokens(config):
        raise UsageError(
            f"{folder / ADAPTER} is of a {kind} adapter and has no num_virtual_tokens", hint="Copy the file again."
        )
    if task not in (None, "CAUSAL_LM"):
        raise UsageError(f"{folder} is an adapter for {task}, not for a causal language model")
    return config


def virtual_tokens(config: Mapping[str, Any]) -> int:
    """Number of vectors that an adapter puts before every window; 0 for one that changes weights."""
    if str(config.get("peft_type")) not in PROMPTS:
        return 0
    count = config.get("num_virtual_tokens")
    return count if isinstance(count, int) and count > 0 else 0


def module_of(name: str) -> str:
    """The module of the base that a tensor of an adapter belongs to or replaces, without the wrapping of PEFT."""
    return _PARTS.sub("", name.removeprefix("base_model.model.")).rpartition(".")[0]


def vocabularies(header: Header, modules: Collection[str] | None = None) -> dict[str, int]:
    """Number of tokens for which an adapter holds the embeddings or the output layer.

    Args:
        header: Tensors of the adapter.
        modules: Names of these modules in the base; by default those that end in a common name of one.

    Returns:
        Rows by module; nothing of modules that the adapter leaves as they are.
    """
    rows: dict[str, int] = {}
    for name, entry in header.items():
        shape, module = entry.get("shape") or [0], module_of(name)
        owner = module.removesuffix(".lora_B")
        if not (owner in modules if modules is not None else owner.rpartition(".")[2] in _OF_TOKENS):
            continue
        if name.endswith(".lora_embedding_A"):
            rows[owner] = int(shape[-1])
        elif name.endswith(".weight"):
            rows[owner] = int(shape[0])
    return rows


def require_fitting(adapter: Path, config: Mapping[str, Any], header: Header, base: ModelFolder) -> None:
    """Refuse a base whose layers have other sizes than those that a LoRA was trained on.

    Many architectures store their weights under other names than those of their modules, and experts as one tensor.
    Only layers of the same name are compared, therefore; whether every tensor has a layer is known once it is loaded.

    Args:
        adapter: Folder of the adapter.
        config: Its configuration; one that repeats layers numbers them anew, and they are not compared.
        header: Tensors of the adapter.
        base: The base, whose layers are not compared where they are stored quantised.

    Raises:
        UsageError: A numbered layer is of another size; the message names it and both sizes.
    """
    if base.config.get("quantization_config") or config.get("layer_replication"):
        return
    known: dict[str, tuple[int, ...]] = {}
    for path in base.weights:
        known |= {name.removesuffix(".weight"): tuple(entry["shape"]) for name, entry in read_header(path).items()}
    for module, size in _sizes(header).items():
        # The bare body of a model is saved under names without its own.
        present = known.get(module) or known.get(module.partition(".")[2])
        if present is not None and len(present) == 2 and present not in (size, size[::-1]):
            ours, theirs = (" x ".join(f"{length:,}" for length in shape) for shape in (size, present))
            raise UsageError(
                f"the adapter {adapter} does not fit the base {base.path}: it was trained on a {module} of {ours}, and"
                f" that of the base is {theirs}",
                hint="Name the base that it was trained on with --base.",
            )


def require_unwrapped(source: str, header: Header) -> None:
    """Refuse an adapter that was saved in a wrapper, by whose names PEFT finds no layer.

    Raises:
        UsageError: Names of tensors hold that of a wrapper.
    """
    wrapped = [name for name in header if wrapper_note(name)]
    if wrapped:
        raise UsageError(
            f"{len(wrapped):,} of {len(header):,} tensors of the adapter {source} have no place in its base, such as"
            f" {wrapped[0]}, which has {wrapper_note(wrapped[0])} in its name",
            hint="Save it again without wrapping, or rename the tensors.",
        )


def _sizes(header: Header) -> dict[str, tuple[int, int]]:
    """Outputs and inputs of every numbered layer that a LoRA adds to; those of others change with the vocabulary."""
    ends: dict[str, dict[str, int]] = {}
    for name, entry in header.items():
        match, shape = _FACTORS.fullmatch(name), entry.get("shape") or []
        if match is not None and len(shape) == 2:
            end = shape[1] if match["factor"] == "lora_A" else shape[0]
            ends.setdefault(module_of(f"{match['module']}.weight"), {})[match["factor"]] = int(end)
    numbered = {module: both for module, both in ends.items() if re.search(r"\.\d+\.", module) and len(both) == 2}
    return {module: (both["lora_B"], both["lora_A"]) for module, both in numbered.items()}
