"""The file must hold one whole result, and each name of an object once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from auditor.core.version import VERSION
from auditor.verify.check import CheckAnswer, check
from auditor.verify.subject import Subject


@check(name="schema", order=10)
def schema(subject: Subject) -> CheckAnswer:
    """Refuse names that an object has twice: two readers of one file could each take another value."""
    twice = name_twice(subject.raw)
    if twice is not None:
        return CheckAnswer("failed", f"the name {twice!r} is twice in one object")
    writer = subject.result.manifest.auditor_version
    other = "" if writer == VERSION else f"; this is auditor {VERSION}, so figures may differ"
    return CheckAnswer(
        "passed", f"a whole result of schema {subject.result.schema_version}, by auditor {writer}{other}"
    )


def name_twice(raw: bytes) -> str | None:
    """A name that an object of a JSON file has twice; None where every object has each once."""
    twice: Counter[str] = Counter()

    def each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        twice.update(name for name, count in counts.items() if count > 1)
        return dict(pairs)

    json.loads(raw.decode("utf-8-sig"), object_pairs_hook=each)
    return min(twice, default=None)
