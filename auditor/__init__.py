"""Was this language model trained on this dataset? Evidence that survives a hostile reader.

from auditor import check
result = check("suspect/", "heldout/", model="path/to/model")
result.verdict.word
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.version import VERSION

if TYPE_CHECKING:
    from auditor.api import check, forget
    from auditor.errors import AuditorError, RunError, UsageError
    from auditor.forgetting.policy import ForgettingPolicy
    from auditor.guards.policy import Policy
    from auditor.report.renderer import load_result, render, write_outputs
    from auditor.result import AuditResult

__version__ = VERSION

__all__ = [
    "AuditResult",
    "AuditorError",
    "ForgettingPolicy",
    "Policy",
    "RunError",
    "UsageError",
    "__version__",
    "check",
    "forget",
    "load_result",
    "render",
    "write_outputs",
]

_HOMES = {
    "check": "auditor.api",
    "forget": "auditor.api",
    "AuditorError": "auditor.errors",
    "RunError": "auditor.errors",
    "UsageError": "auditor.errors",
    "ForgettingPolicy": "auditor.forgetting.policy",
    "Policy": "auditor.guards.policy",
    "load_result": "auditor.report.renderer",
    "render": "auditor.report.renderer",
    "write_outputs": "auditor.report.renderer",
    "AuditResult": "auditor.result",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `import auditor` stays instant."""
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'auditor' has no attribute {name!r}")
