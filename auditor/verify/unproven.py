"""What of a result nothing in its file can prove, because whoever writes the file can make the rest of it fit.

`INVENTED` and `CHOSEN` are what can be changed where everything that follows from it is made anew as well. `UNPROVEN`
are the fields that can be changed one by one with nothing but a new seal: a test changes every field and asks that
exactly these go unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

_PASSED_OVER = ("skipped_files", "dropped_empty", "dropped_duplicate")
_LOADED = ("source", "kind", "revision", "dtype", "device", "context", "bos")
_LAYERS = (
    *("layer", "probe_auc", "probe_p_value", "cka", "probe_interval.*"),
    *("procrustes", "procrustes_chance", "neighbours", "neighbours_chance"),
)
_TASKS = ("probe_layers**", "overlap", "overlap_shuffled", "neighbour_angles", "class_drift")
_TABLES = ("features", "text", "controls.*", "procedures.*")


@dataclass(frozen=True, slots=True)
class Unproven:
    """Some fields.

    Attributes:
        paths: Patterns of their paths; `[*]` stands for any place, `.*` for any name, `**` for all that is below. Empty
            where they can only be changed together with all that follows from them.
        why: What they are, for people.
        until: What proves them once all of it is given, as `Subject.given` names it; nothing does where it is empty.
    """

    paths: tuple[str, ...]
    why: str
    until: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        """Whether a path is one of these."""
        return any(_pattern(pattern).fullmatch(path) for pattern in self.paths)

    def is_open(self, given: Collection[str]) -> bool:
        """Whether what is given leaves them unproven."""
        return not self.until or not self.until <= set(given)


INVENTED = Unproven(
    (),
    "No check here shows that the kept features, probes and controls are what these models say of these texts: whoever "
    "invents them can make every figure, the verdict and the seal fit. Only scoring again shows it: --again with the "
    "documents and the models, or the audit run once more by the command in manifest.command.",
    frozenset({"again"}),
)
CHOSEN = (
    Unproven(
        (),
        "The settings are the writer's choice and bear no date: seed, permutations, thresholds, features, references, "
        "limits, grouping. That an audit under others was not run and left out is shown by nothing.",
    ),
    Unproven(
        (),
        "The documents, their sides and their groups are the writer's choice as well, as long as --data is not given "
        "for both sides.",
        frozenset({"data suspect", "data heldout"}),
    ),
)
UNPROVEN = (
    Unproven(("name", "manifest.command"), "how the audit is called, and the command that made it"),
    Unproven(
        (
            "manifest.created",
            "manifest.auditor_version",
            "manifest.packages.*",
            "manifest.platform",
            "manifest.texts_scored",
            "manifest.texts_from_store",
        ),
        "when, where and with what it was made",
    ),
    Unproven(("gate.expect", "gate.fail_on**"), "what makes CI red, which whoever ran the audit chose"),
    *(
        Unproven(
            tuple(f"{role}.{count}" for count in _PASSED_OVER),
            f"how much of the {name} set was passed over (--data {role}=PATH shows it)",
            frozenset({f"data {role}"}),
        )
        for role, name in (("suspect", "suspect"), ("heldout", "held-out"))
    ),
    *(
        Unproven(
            tuple(f"{role}.{name}" for name in (*_PASSED_OVER, "characters", "sha256")),
            f"the texts of the {role} set (--data {role}=PATH shows them)",
            frozenset({f"data {role}"}),
        )
        for role in ("placebo", "general")
    ),
    Unproven(("placebo.tokens", "general.tokens"), "how many tokens the placebo and the general set have"),
    Unproven(
        ("documents[*].excerpt", "documents[*].marks", "documents[*].marks[*]", "documents[*].marks[*].text"),
        "excerpts of the documents (--data for both sides shows them)",
        frozenset({"data suspect", "data heldout"}),
    ),
    Unproven(("documents[*].marks[*].logprob",), "log-probabilities of single tokens", frozenset({"again"})),
    Unproven(
        ("manifest.models[*].weights_sha256", "manifest.models[*].tokenizer_sha256", "manifest.models[*].details.*"),
        "which models were scored (--model for each of them shows it)",
        frozenset({"models"}),
    ),
    Unproven(tuple(f"manifest.models[*].{name}" for name in _LOADED), "where the models lay and how they were loaded"),
    Unproven(
        tuple(f"measurements.{table}.values[*][*]" for table in _TABLES),
        "a single one of the kept features, changed by too little to move a rank (all of them together: see above)",
        frozenset({"again"}),
    ),
    Unproven(
        ("multiplicity.method", "multiplicity.audits", "multiplicity.broken", "multiplicity.p_adjusted"),
        "the correction for the other audits of the batch, or that there were none (--batch shows it)",
        frozenset({"batch"}),
    ),
    Unproven(
        ("measurements.numerics.*.probed", "measurements.overlap[*].similarity"),
        "how many documents were probed, and how alike two documents are that stand on both sides",
    ),
    Unproven(
        ("measurements.overlap[*].suspect", "measurements.overlap[*].heldout"),
        "which documents stand on both sides, beyond the first of each kind (--data for both sides shows it)",
        frozenset({"data suspect", "data heldout"}),
    ),
    Unproven(
        (
            "forgetting.checkpoints[*].weights**",
            "forgetting.checkpoints[*].layers",
            *(f"forgetting.checkpoints[*].layers[*].{name}" for name in _LAYERS),
            *(f"forgetting.tasks.points[*].{name}" for name in _TASKS),
        ),
        "measures of weights and hidden states of a series, on which no state rests and which only the models show",
    ),
    Unproven(
        ("measurements.series.tasks**", "measurements.series.notes**"),
        "which labelled texts were answered rightly, as they are never scored again",
    ),
    Unproven(
        ("measurements.series**",),
        "a single part of what is kept of the series, changed by too little to change a figure (together: see above)",
        frozenset({"again"}),
    ),
)


def is_unproven(path: str) -> bool:
    """Whether nothing in a file can prove the field at a path, such as `documents[3].excerpt`."""
    return any(one.covers(path) for one in UNPROVEN)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of paths as a regular expression; a name, of a model for instance, may hold dots and brackets."""
    parts = re.split(r"(\[\*\]|\*\*|\.\*)", pattern)
    known = {"[*]": r"\[\d+\]", "**": ".*", ".*": r"\..+?"}
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts), re.DOTALL)
