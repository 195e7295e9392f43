"""Training budget of the interventions, fixed before training and the same for both sides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auditor.core.record import Record
from auditor.models.changes import Method

Steps = tuple[Annotated[int, Field(ge=1, le=10_000)], ...]


class Budget(Record):
    """Training budget of the interventions."""

    method: Literal["auto", "full", "lora"] = "auto"
    """`auto` tunes all weights of a model below `full_below` parameters and trains a LoRA adapter otherwise."""

    full_below: int = Field(default=20_000_000, ge=0)
    """Number of parameters from which `auto` trains a LoRA adapter."""

    half_steps: Steps = Field(default=(5, 10, 20), min_length=1)
    """Steps of relearn-half after which documents are scored, ascending."""

    reminder_steps: Steps = Field(default=(2, 5, 10, 20), min_length=1)
    """Steps of the reminder after which documents are scored, ascending. A reminder helps for about ten steps and
    then erases the effect."""

    batch: int = Field(default=8, ge=1)
    """Text segments a step."""

    length: int = Field(default=256, ge=8)
    """Longest segment in tokens, leading tokens included; longer documents are split."""

    full_rate: float = Field(default=3e-4, gt=0)
    """Learning rate of full tuning."""

    lora_rate: float = Field(default=1e-3, gt=0)
    """Learning rate of LoRA."""

    lora_rank: int = Field(default=16, ge=1)
    """Rank of the adapter; its scale alpha is twice that."""

    clip: float = Field(default=1.0, gt=0)
    """Largest gradient norm of a step."""

    bits: int = Field(default=4, ge=2, le=8)
    """Bits a weight is rounded to."""

    group: int = Field(default=64, ge=1)
    """Neighbouring weights along the input that share a rounding scale."""

    def method_for(self, parameters: int) -> Method:
        """Full tuning or LoRA, by the number of parameters of the model."""
        if self.method != "auto":
            return self.method
        return "full" if parameters < self.full_below else "lora"

    def describe(self, method: Method) -> str:
        """Description of the training in words."""
        rate = self.full_rate if method == "full" else self.lora_rate
        weights = (
            "full tuning of all weights"
            if method == "full"
            else f"LoRA on all linear layers, rank {self.lora_rank}, alpha {2 * self.lora_rank}"
        )
        return (
            f"{weights}; AdamW, learning rate {rate:g}, {self.batch} segments of at most {self.length} tokens a step,"
            f" gradient clipped at {self.clip:g}, no dropout, no weight decay"
        )
