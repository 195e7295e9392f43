"""Settings of a process for its models: precise speed in float32, token budgets, block shapes and workers."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import platform
from collections.abc import Iterator
from typing import Any

import torch

from auditor.signals.kernel import Blocks

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_GLIBC_LARGEST = 32 * 2**20
_THRESHOLD = 2**30


@functools.cache
def medium_is_exact() -> bool:
    """Whether float32 matrix products keep their precision on this processor under the setting `medium`.

    The setting permits bfloat16 inside. Processors with matrix units for it round; others only pick another library
    for the same float32 arithmetic, on some two times faster. Tested with products against float64, of the shapes used
    here; the limit is a few times the rounding error of float32 and 200 times below that of bfloat16.
    """
    before = torch.get_float32_matmul_precision()
    generator = torch.Generator().manual_seed(0)
    try:
        torch.set_float32_matmul_precision("medium")
        for rows, inner, columns in ((256, 576, 2048), (64, 1536, 576), (1, 512, 512), (300, 64, 300)):
            left = torch.randn(rows, inner, generator=generator)
            right = torch.randn(columns, inner, generator=generator)
            exact = left.double() @ right.double().t()
            error = (torch.mm(left, right.t()).double() - exact).abs().max() / inner**0.5
            if float(error) > 2e-5:
                return False
    finally:
        torch.set_float32_matmul_precision(before)
    return True


@contextlib.contextmanager
def fast_settings(device: torch.device) -> Iterator[None]:
    """Apply the settings that pay on a CPU, and restore the former ones. Other devices need none."""
    if device.type != "cpu":
        yield
        return
    before = torch.get_float32_matmul_precision()
    if medium_is_exact():
        torch.set_float32_matmul_precision("medium")
    try:
        with large_buffers_reused():
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextlib.contextmanager
def plain_settings() -> Iterator[None]:
    """Apply full float32 products, also within `fast_settings` and whatever the caller's settings are."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextlib.contextmanager
def threads_for(workers: int) -> Iterator[None]:
    """Divide torch's threads among workers."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def large_buffers_reused() -> Iterator[None]:
    """Keep glibc from returning each large buffer to the system after every operation.

    glibc does not report its thresholds. Afterwards they are set to where its own adjustment would have taken them in
    a program that uses large buffers, and the unused memory is returned.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
    libc.mallopt(_M_TRIM_THRESHOLD, _THRESHOLD)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_THRESHOLD, _GLIBC_LARGEST)
        libc.mallopt(_M_TRIM_THRESHOLD, 2 * _GLIBC_LARGEST)
        libc.malloc_trim(0)


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)


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
    config = model.config.get_text_config(decoder=True)
    width = int(getattr(config, "hidden_size", None) or model.get_input_embeddings().weight.shape[1])
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
