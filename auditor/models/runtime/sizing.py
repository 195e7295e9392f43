"""Token budgets, block shapes and workers, from the device and the model's size."""

from __future__ import annotations

from typing import Any

import torch

from auditor.signals.kernel import Blocks

_CPU_BYTES = 256 * 2**20
_CPU_TOKENS = 2048
_CPU_WORKERS = 8
_GPU_TOKENS = 2**16
_GPU_BLOCK = 2**27


def blocks_for(device: torch.device, vocabulary: int) -> Blocks:
    """Blocks that stay in a CPU's caches, or that fill an accelerator (all columns, at most 512 MiB)."""
    if device.type == "cpu":
        return Blocks()
    return Blocks(rows=max(16, min(4096, _GPU_BLOCK // vocabulary)), columns=vocabulary)


def activation_bytes(model: Any) -> int:
    """A generous estimate of the bytes one token of a batch needs during the forward pass."""
    config = model.config.get_text_config()
    width = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", None) or 4 * width)
    return int((8 * width + 4 * inner) * model.dtype.itemsize)


def token_budget(model: Any, context: int) -> int:
    """Tokens of a batch: what a fixed share of memory holds, as a power of two so that runs are alike.

    Args:
        model: The loaded model.
        context: Longest window; a budget is never below it on an accelerator, where a batch has rows of equal length.
    """
    need = activation_bytes(model)
    if model.device.type == "cpu":
        return _power_of_two(_CPU_BYTES // need, 256, _CPU_TOKENS)
    if model.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(model.device)
        return _power_of_two((free - 4 * 4 * _GPU_BLOCK) // 2 // need, context, _GPU_TOKENS)
    return _power_of_two(4 * _CPU_BYTES // need, context, _GPU_TOKENS)


def workers_for(device: torch.device) -> int:
    """Number of batches to score at once: on a CPU one for each of torch's threads, up to a limit that bounds memory.

    Threads that share one product wait for the slowest at every step, so that other load on a single core slows all of
    them; threads with a batch each do not wait.
    """
    return min(_CPU_WORKERS, torch.get_num_threads()) if device.type == "cpu" else 1


def _power_of_two(value: int, low: int, high: int) -> int:
    return max(low, min(high, 1 << max(0, int(value).bit_length() - 1)))
