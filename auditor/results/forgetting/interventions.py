"""The interventions on a checkpoint: one row each, whose code is the file of that name in `relearn/probes/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True, slots=True)
class InterventionKind:
    """One intervention.

    Attributes:
        name: In kebab case, unique.
        phrase: What is done to the checkpoint, as the subject of a sentence.
        trains: Whether it trains. A trace is never called gone on the word of one that does not.
    """

    name: str
    phrase: str
    trains: bool = True


_ROWS = (
    InterventionKind("relearn-half", "a short training on one half of it, tested on the other half alone,"),
    InterventionKind("reminder", "a short training on third-party text"),
    InterventionKind("quantise", "rounding the weights", trains=False),
)

INTERVENTIONS: dict[str, InterventionKind] = {kind.name: kind for kind in _ROWS}
"""Every intervention by its name, in the order in which they run. P-values are corrected over all of them."""

if TYPE_CHECKING:
    InterventionName = str
else:
    InterventionName = Literal[tuple(INTERVENTIONS)]
