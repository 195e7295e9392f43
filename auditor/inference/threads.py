"""One BLAS thread for the engine: its products are small, and sums in the same order give the same figures anywhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> Any:
    """The libraries loaded in this process; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[None]:
    """A context in which numpy's and scipy's linear algebra uses one thread."""
    context: AbstractContextManager[None] = _controller().limit(limits=1, user_api="blas")
    return context
