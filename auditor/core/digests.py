"""Digests of JSON trees, and the versions of the libraries that figures depend on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from functools import cache
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "peft",
    "numpy",
    "scipy",
    "scikit-learn",
    "datasketch",
)


def packages() -> dict[str, str]:
    """Versions of the libraries that figures depend on, if installed."""
    return {name: version for name in PACKAGES if (version := _version(name)) is not None}


def platform_name() -> str:
    """Python and the machine that it runs on, as results name them."""
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


# An installed package does not change under a running process, and reading its metadata parses a mail header.
@cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def canonical_sha256(tree: Any) -> str:
    """Hex digest of a JSON tree, independent of the order of its keys."""
    canonical = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def text_sha256(text: str) -> str:
    """Hex digest of a text, in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
