"""Read from its files what a LoRA adapter adds to the weights of its base."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auditor.forgetting.weights.tensors import NotComparedError, Stored, canonical, read_tensors
from auditor.inference.design import Floats
from auditor.models.folder import ADAPTER, read_json

_PLAIN_STARTS = (True, False, None, "gaussian", "eva", "orthogonal")
"""Initialisations that leave the base unchanged; others (PiSSA, OLoRA, CorDA, LoftQ) change the weights of the base."""
_UNDERSTOOD = {
    "alpha_pattern",
    "auto_mapping",
    "base_model_name_or_path",
    "bias",
    "eva_config",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",
    "modules_to_save",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "revision",
    "target_modules",
    "task_type",
    "use_rslora",
}
_FACTOR = re.compile(r"^(?P<module>.+)\.(?P<kind>lora_A|lora_B)\.weight$")
_EMBEDDING_FACTOR = re.compile(r"^(?P<module>.+)\.(?P<kind>lora_embedding_[AB])$")


@dataclass(frozen=True, slots=True)
class Factors:
    """A matrix as the product of left [rows, rank] and right [rank, columns], scaling included."""

    left: Floats
    right: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the product."""
        return self.left.shape[0], self.right.shape[1]

    def transposed(self) -> Factors:
        """The transpose of the product."""
        return Factors(self.right.T, self.left.T)


@dataclass(frozen=True, slots=True)
class Adapter:
    """The tensors of an adapter, by the name of the tensor of the base they change.

    Attributes:
        added: Products added to the base's tensor.
        replaced: Tensors that replace the base's, such as trained modules and biases.
        apart: Names in `replaced` of modules saved with the adapter: a head tied with them keeps the base's values.
    """

    added: Mapping[str, Factors]
    replaced: Mapping[str, Stored]
    apart: frozenset[str]


def read_adapter(folder: Path, weights: Path) -> Adapter:
    """Read a LoRA adapter.

    Args:
        folder: Folder with its configuration.
        weights: File of its tensors.

    Raises:
        NotComparedError: The adapter is of another kind, or has a setting or tensor beyond those of a plain LoRA.
        UsageError: A file is incomplete.
    """
    config = read_json(folder / ADAPTER)
    _require_plain(config)
    halves: dict[str, dict[str, Floats]] = {}
    replaced, apart = {}, set()
    saved = tuple(config.get("modules_to_save") or ())
    for key, tensor in read_tensors(weights).items():
        path = key.removeprefix("base_model.model.")
        factor = _FACTOR.match(path) or _EMBEDDING_FACTOR.match(path)
        if factor and len(tensor.shape) == 2:
            values = tensor.values((slice(None),)).astype(np.float64)
            halves.setdefault(factor["module"], {})[factor["kind"]] = values
        elif "lora_" in path:
            raise NotComparedError(f"the adapter's {path} is not part of a plain LoRA")
        else:
            module = path.replace(".base_layer.", ".").replace(".modules_to_save.", ".")
            replaced[canonical(module)] = tensor
            if any(module.rpartition(".")[0].endswith(name) for name in saved):
                apart.add(canonical(module))
    added = {canonical(f"{module}.weight"): _factors(module, pair, config) for module, pair in halves.items()}
    return Adapter(added, replaced, frozenset(apart))


def _require_plain(config: Mapping[str, Any]) -> None:
    kind = str(config.get("peft_type"))
    if kind != "LORA":
        raise NotComparedError(f"it is a {kind} adapter, and only LoRA adapters are compared")
    unknown = sorted(name for name, value in config.items() if value and name not in _UNDERSTOOD)
    if unknown:
        raise NotComparedError(f"its adapter sets {', '.join(unknown)}, which a plain LoRA does not have")
    if config.get("init_lora_weights", True) not in _PLAIN_STARTS:
        raise NotComparedError(
            f"its adapter was initialised by {config['init_lora_weights']}, which changes the weights of its base"
        )


def _factors(module: str, pair: Mapping[str, Floats], config: Mapping[str, Any]) -> Factors:
    """The two factors of one module with their scaling, as PEFT applies them."""
    embedding = "lora_embedding_A" in pair
    names = ("lora_embedding_A", "lora_embedding_B") if embedding else ("lora_A", "lora_B")
    if set(pair) != set(names) or pair[names[0]].shape[0] != pair[names[1]].shape[1]:
        raise NotComparedError(f"the adapter's two factors for {module} do not match")
    first, second = (pair[name] for name in names)
    rank = first.shape[0]
    alpha = float(_of_pattern(config.get("alpha_pattern") or {}, module, config.get("lora_alpha", 8)))
    scaling = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    factors = Factors(scaling * second, first)
    # An embedding's rows are tokens, its factors' columns; some layers store every matrix this way round.
    return factors.transposed() if embedding or config.get("fan_in_fan_out") else factors


def _of_pattern(patterns: Mapping[str, Any], module: str, default: Any) -> Any:
    """The value of the first pattern that matches the end of a module's path, as PEFT reads patterns."""
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
