"""The whole examination."""

from __future__ import annotations

import platform

from auditor.core.digests import packages
from auditor.core.progress import Progress
from auditor.core.version import VERSION
from auditor.doctor.cache import inspect_cache
from auditor.doctor.checkup import Checkup
from auditor.doctor.machine import inspect_machine
from auditor.doctor.model import Size, inspect_model
from auditor.models.options import LoadOptions


def run_checkup(
    model: str | None,
    options: LoadOptions,
    size: Size,
    *,
    cache_dir: str | None,
    max_tokens: int | None,
    progress: Progress,
) -> Checkup:
    """Look at the machine, the score store, and the model where one is named.

    Args:
        model: As --model has it.
        options: How it is loaded.
        size: The audit whose duration is asked for.
        cache_dir: As --cache-dir has it.
        max_tokens: Read at most this many tokens of a text.
        progress: Told how far scoring is.

    Raises:
        UsageError: The device is not there, or the model cannot be audited.
        RunError: The model cannot be loaded, or it fails.
    """
    return Checkup(
        auditor_version=VERSION,
        python=platform.python_version(),
        packages=packages(),
        machine=inspect_machine(options.device),
        cache=inspect_cache(cache_dir),
        model=None if model is None else inspect_model(model, options, size, max_tokens=max_tokens, progress=progress),
    )
