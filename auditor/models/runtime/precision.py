"""Process settings that speed float32 up without loss of precision, applied only while scoring."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import platform
from collections.abc import Iterator

import torch

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
