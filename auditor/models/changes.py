"""Changes of a model in memory as data, and the identity of the changed model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from auditor.core.errors import RunError
from auditor.results.models import ModelIdentity
from auditor.signals.views import Passage, as_passage

CHANGES_VERSION = 1
"""Increased whenever the same change would give other weights, so that older scores are not used."""

Method = Literal["full", "lora"]


class UntrainableError(RunError):
    """A model cannot be changed in memory; the intervention is left out and the run continues."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training, fully determined by these fields.

    Attributes:
        texts: Training texts, in order; of one with scored parts these alone are learned, and the rest is read.
        method: `full` tunes all weights, `lora` an adapter on all linear layers.
        rate: Learning rate.
        batch: Windows per step.
        length: Longest window in tokens, leading tokens included.
        rank: Rank of the adapter, its scale alpha being twice that; 0 for full tuning.
        clip: Largest norm of the gradient.
        seed: Seed of the order of the windows and of the adapter's initial weights.
        max_tokens: Read at most this many tokens of each text, as scoring does.
    """

    texts: tuple[str | Passage, ...]
    method: Method
    rate: float
    batch: int
    length: int
    rank: int
    clip: float
    seed: int
    max_tokens: int | None

    def dtype(self, identity: ModelIdentity) -> str:
        """Number format in memory: float32, but bfloat16 for LoRA on bfloat16 weights on an accelerator.

        The steps of full tuning vanish in the rounding of half precision, and gradients in that of float16.
        """
        half = self.method == "lora" and identity.dtype == "bfloat16" and not identity.device.startswith("cpu")
        return "bfloat16" if half else "float32"


@dataclass(frozen=True, slots=True)
class Rounding:
    """Symmetric rounding of the weights of linear layers.

    Attributes:
        bits: Bits a weight; 4 allow the 15 values from -7 to 7 times the scale.
        group: Neighbouring weights along the input of a layer that share a scale.
    """

    bits: int
    group: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures of a model by which its changes are chosen.

    Attributes:
        parameters: Number of parameters.
        rounded_layers: Number of linear layers that a rounding changes.
        rounded_share: Their share of all parameters.
    """

    parameters: int
    rounded_layers: int
    rounded_share: float


def identity_after(identity: ModelIdentity, change: Training | Rounding, steps: int, name: str) -> ModelIdentity:
    """The identity of a model after a number of training steps, or after a rounding.

    Args:
        identity: Identity of the unchanged model.
        change: The change.
        steps: Steps of a training; 1 for a rounding.
        name: Name of the model for the reader.
    """
    parts = dataclasses.asdict(change)
    after, dtype, details = "rounding", identity.dtype, dict(identity.details)
    if isinstance(change, Training):
        parts["texts"] = [as_passage(text).sha256 for text in change.texts]
        dtype, after = change.dtype(identity), f"{steps} training steps"
        if change.method == "lora":
            details["peft"] = version("peft")
    described = json.dumps([CHANGES_VERSION, type(change).__name__, parts, steps, identity.dtype], sort_keys=True)
    details["change"] = hashlib.sha256(described.encode()).hexdigest()
    return identity.model_copy(update={"source": f"{name} after {after}", "dtype": dtype, "details": details})
