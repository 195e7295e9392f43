"""PublishedProcedure: a decision procedure of the literature on the same scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

import auditor.membership.procedures
from auditor.core.registry import discover, pick
from auditor.inference.design import Floats
from auditor.results.result import Procedure


@dataclass(frozen=True, slots=True)
class PublishedProcedure:
    """A decision procedure from the literature.

    Attributes:
        name: Its name in `--procedure`.
        source: Its publication.
        features: The single-pass features that it reads of each document under the audited model.
        run: Called with these [documents, features], NaN where missing, whether each document is on the suspect
            side, and a generator.
    """

    name: str
    source: str
    features: str
    run: Callable[[Floats, Sequence[bool], np.random.Generator], Procedure] = field(repr=False)


def all_procedures() -> dict[str, PublishedProcedure]:
    """Every procedure by name."""
    return {procedure.name: procedure for procedure in discover(auditor.membership.procedures, PublishedProcedure)}


def select_procedures(names: Sequence[str]) -> tuple[PublishedProcedure, ...]:
    """Look procedures up by name.

    Raises:
        UsageError: A name is unknown.
    """
    known = all_procedures()
    return tuple(pick(name, known, what="procedure") for name in dict.fromkeys(names))
