"""Quantisation of the weights of a model in memory."""

from __future__ import annotations

from typing import Any

import torch

from auditor.models.changes import Rounding


def round_layers(model: Any, rounding: Rounding) -> None:
    """Round the weights of all layers that `linear_layers` names, in place."""
    for layer in linear_layers(model):
        weight = layer.weight.data
        if isinstance(layer, torch.nn.Linear):
            weight.copy_(round_weights(weight, rounding))
        else:
            weight.copy_(round_weights(weight.t(), rounding).t())


def round_weights(weight: torch.Tensor, rounding: Rounding) -> torch.Tensor:
    """Weights [out, in] rounded to multiples of a scale, the largest of each group along the input being exact."""
    top = 2 ** (rounding.bits - 1) - 1
    rows, width = weight.shape
    groups = torch.nn.functional.pad(weight.float(), (0, -width % rounding.group)).reshape(rows, -1, rounding.group)
    scale = groups.abs().amax(dim=-1, keepdim=True) / top
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return ((groups / scale).round() * scale).reshape(rows, -1)[:, :width].to(weight.dtype)


def linear_layers(model: Any) -> list[Any]:
    """Layers that multiply by a matrix, the output layer left out as 4-bit formats do."""
    from transformers.pytorch_utils import Conv1D

    last = model.get_output_embeddings()
    return [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and module is not last
        and isinstance(module.weight, torch.nn.Parameter)
        and module.weight.ndim == 2
        and (last is None or module.weight is not getattr(last, "weight", None))
    ]
