"""LoadOptions: how models are loaded."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How models are loaded.

    Attributes:
        device: auto, cpu, cuda, cuda:N or mps.
        dtype: auto (float32 on a CPU, as stored elsewhere), float32, bfloat16 or float16.
        revision: Branch, tag or commit of a hub model.
        max_context: Longest window in tokens; the model's own limit where that is smaller.
    """

    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None
    max_context: int = 2048


def load_options(settings: AuditSettings) -> LoadOptions:
    """How the models of an audit are loaded."""
    return LoadOptions(settings.device, settings.dtype, settings.revision, settings.context)
