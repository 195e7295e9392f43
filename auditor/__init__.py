"""Was this language model trained on this dataset? Evidence that survives a hostile reader.

from auditor import check
result = check("suspect/", "heldout/", model="path/to/model")
result.verdict.outcome
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.core.version import VERSION

if TYPE_CHECKING:
    from auditor.api import check, forget, run_batch, run_test
    from auditor.core.errors import AuditorError, RunError, UsageError
    from auditor.report.renderer import render, write_outputs
    from auditor.results.batch import BatchResult
    from auditor.results.dealt.policy import DealtPolicy
    from auditor.results.dealt.result import DealtResult
    from auditor.results.forgetting.policy import ForgettingPolicy
    from auditor.results.io import load_result
    from auditor.results.policy import Policy
    from auditor.results.result import AuditResult

__version__ = VERSION

__all__ = [
    "AuditResult",
    "AuditorError",
    "BatchResult",
    "DealtPolicy",
    "DealtResult",
    "ForgettingPolicy",
    "Policy",
    "RunError",
    "UsageError",
    "__version__",
    "check",
    "forget",
    "load_result",
    "render",
    "run_batch",
    "run_test",
    "write_outputs",
]

_HOMES = {
    "check": "auditor.api",
    "forget": "auditor.api",
    "run_batch": "auditor.api",
    "run_test": "auditor.api",
    "AuditorError": "auditor.core.errors",
    "RunError": "auditor.core.errors",
    "UsageError": "auditor.core.errors",
    "ForgettingPolicy": "auditor.results.forgetting.policy",
    "Policy": "auditor.results.policy",
    "load_result": "auditor.results.io",
    "render": "auditor.report.renderer",
    "write_outputs": "auditor.report.renderer",
    "AuditResult": "auditor.results.result",
    "BatchResult": "auditor.results.batch",
    "DealtPolicy": "auditor.results.dealt.policy",
    "DealtResult": "auditor.results.dealt.result",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `import auditor` stays instant."""
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'auditor' has no attribute {name!r}")
