"""Fields that nothing in a result file proves, because whoever writes the file can make the rest of it fit.

`INVENTED` and `CHOSEN` can be changed only together with everything that follows from them. `UNPROVEN` are the fields
marked `Unverifiable`, each of which can be changed with nothing but a new content digest.
"""

from __future__ import annotations

from collections import defaultdict

from auditor.core.marks import Unverifiable, unverifiable_fields
from auditor.results.result import AuditResult

INVENTED = Unverifiable(
    "No check here shows that the stored features, probes and controls are what these models say of these texts: "
    "whoever "
    "invents them can make every figure, the verdict and the digest fit. Only scoring again shows it: --again with the "
    "documents and the models, or the audit run once more by the command in manifest.command.",
    frozenset({"again"}),
)
CHOSEN = (
    Unverifiable(
        "The settings are the writer's choice and bear no date: seed, permutations, thresholds, features, references, "
        "limits, grouping. Nothing shows whether an audit under other settings was run and left out."
    ),
    Unverifiable(
        "The documents, their sides and their groups are the writer's choice as well, as long as --data is not given "
        "for both sides.",
        frozenset({"data suspect", "data heldout"}),
    ),
)

OF_A_BATCH = Unverifiable(
    "Nothing in the file shows that the configuration of the batch gives these settings (--config PATH shows it).",
    frozenset({"config"}),
)


def _by_reason() -> tuple[Unverifiable, ...]:
    patterns: defaultdict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for path, mark in unverifiable_fields(AuditResult):
        patterns[mark.reason, mark.shown_by] += [path + part for part in mark.parts]
    return tuple(Unverifiable(*key, tuple(paths)) for key, paths in patterns.items())


UNPROVEN = _by_reason()
"""The marked fields of a result; `parts` are the patterns of their whole paths."""


def is_unproven(path: str) -> bool:
    """Whether nothing in a file can prove the field at a path, such as `documents[3].excerpt`."""
    return any(fields.covers(path) for fields in UNPROVEN)
