"""Results as they were before the package was laid out anew: no figure of them may move, to the last bit.

`tests/golden/*.json.gz` were written by commit 99fe39c. Times, paths, versions and digests of configurations are left
out; large tables stand as their digest. `AUDITOR_GOLDEN=write pytest tests/test_golden.py tests/test_samples_series.py`
writes them anew, which only a change that is meant to move figures may do.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden"
WRITTEN_ON = FOLDER / "written-on.sha256"

LEFT_OUT = (
    "schema_version",
    "auditor_version",
    "created",
    "command",
    "configuration",
    "configuration_sha256",
    "nondefault_settings",
    "packages",
    "platform",
    "source",
    "sources",
    "seal",
    "result_sha256",
    "texts_scored",
    "texts_from_store",
    "device",
)
"""Keys whose values are times, paths, versions or counts of what an earlier run had stored."""

WORDS = (
    "sentence",
    "not_meaning",
    "because",
    "mend",
    "misses",
    "question",
    "reason",
    "validity",
    "limitations",
    "notes",
    "summary",
    "caveat",
    "budget",
    "method",
)
"""Keys of sentences: what they say may be said better, so figures and machine-readable words alone are compared."""

RENAMED: dict[str, str] = {
    "because": "reason",
    "beside": "vs_origin",
    "counted": "p_entered",
    "judgement": "gate_outcome",
    "kept": "measurements",
    "looks": "multiplicity",
    "mend": "remediation",
    "misses": "blind_spots",
    "movers": "largest_changes",
    "seal": "content_sha256",
    "slopes": "change_deciles",
    "ways": "n_hypotheses",
    "word": "outcome",
    "wreckage": "utility_loss",
    "wrecked": "collapsed",
    "wrecked_ratio": "collapse_ratio",
}
"""Key or word of the stored files: what it is called now."""

LARGEST = 400
"""Figures in a table that is kept as it is; a larger one is kept as its digest."""


def machine() -> str:
    """Digest of what decides the last bits of a model's scores: the kind of processor and the version of PyTorch."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else [platform.processor()]
    kind = sorted({line for line in lines if line.startswith(("model name", "flags"))}) or lines[:1]
    return hashlib.sha256(json.dumps([kind, importlib.metadata.version("torch")]).encode()).hexdigest()


def freeze(tree: Any) -> Any:
    """A result without what differs from run to run, under the names of today."""
    if isinstance(tree, dict):
        if "weights_sha256" in tree:
            # How a library calls its own parts is not a figure.
            tree = {key: value for key, value in tree.items() if key != "details"}
        dropped, words = ({RENAMED.get(key, key) for key in keys} for keys in (LEFT_OUT, WORDS))
        return {
            key: freeze(value)
            for key, value in tree.items()
            if key not in dropped and not (key in words and _is_sentence(value))
        } | {f"number of {key}": len(value) for key, value in tree.items() if key in words and isinstance(value, list)}
    if isinstance(tree, list):
        if tree and all(isinstance(row, list) for row in tree) and sum(map(len, tree)) > LARGEST:
            return {"digest": hashlib.sha256(json.dumps(tree).encode()).hexdigest()}
        return [freeze(value) for value in tree]
    return tree


def _is_sentence(value: Any) -> bool:
    """Whether a value is sentences; a reason such as `guard:blind` is none."""
    return isinstance(value, list) or (isinstance(value, str) and " " in value)


def _name(key: str, path: str) -> str:
    if key == "left_out" and not path.endswith(".finding"):
        return "not_run" if "relearning" in path else "excluded_features"
    return RENAMED.get(key, key)


def renamed(tree: Any, path: str = "") -> Any:
    """A stored tree under the names of today."""
    if isinstance(tree, dict):
        return {_name(key, path): renamed(value, f"{path}.{key}") for key, value in tree.items()}
    if isinstance(tree, list):
        return [renamed(value, path) for value in tree]
    if isinstance(tree, str):
        # A checkpoint of the samples and the state it shows had one name.
        return RENAMED.get(tree, tree.replace("wrecked", "collapsed"))
    return tree


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf by its path."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(tree, list) and tree:
        for number, value in enumerate(tree):
            yield from leaves(value, f"{path}[{number}]")
    else:
        yield path, tree


def differences(name: str, tree: Any) -> list[str]:
    """Where a result is not what it was.

    A model's scores differ in their last bits with the texts that are in one batch, with the processor and with the
    version of PyTorch. Every figure is compared to the last bit where the losses of all documents and the tables of
    features are those of the stored file; where they are not, to six digits on the machine that wrote the files and to
    three on another.
    `AUDITOR_GOLDEN=exact` compares to the last bit in any case: the store must then be empty or that of the files.
    """
    path, now = FOLDER / f"{name}.json.gz", freeze(json.loads(json.dumps(tree)))
    if os.environ.get("AUDITOR_GOLDEN") == "write":
        path.write_bytes(gzip.compress(json.dumps(now, indent=0).encode(), mtime=0))
        WRITTEN_ON.write_text(machine() + "\n", encoding="utf-8")
    before = dict(leaves(renamed(json.loads(gzip.decompress(path.read_bytes())))))
    after = dict(leaves(now))
    scores = [path for path in before if path.endswith((".bits_per_byte", ".digest"))]
    exact = os.environ.get("AUDITOR_GOLDEN") == "exact" or all(after.get(path) == before[path] for path in scores)
    here = WRITTEN_ON.read_text(encoding="utf-8").strip() == machine()
    near = 0.0 if exact else 1e-6 if here else 1e-3
    return [
        f"{path}: {before.get(path, 'not there')!r} became {after.get(path, 'not there')!r}"
        for path in dict.fromkeys([*before, *after])
        if path not in before or path not in after or not _equal(before[path], after[path], path, near=near)
    ]


def _equal(before: Any, after: Any, path: str, *, near: float) -> bool:
    if before == after or not near:
        return bool(before == after)
    if path.endswith(".digest"):
        return True
    both = isinstance(before, float) and isinstance(after, float)
    # How far a document alone is from its batch, a millionth of a nat, depends on what else is in the batch.
    return both and math.isclose(before, after, rel_tol=near, abs_tol=max(near / 5, 1e-6))
