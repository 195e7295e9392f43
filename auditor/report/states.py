"""The order and the tone of the states."""

from __future__ import annotations

from typing import Literal

from auditor.results.forgetting.series import Code

ORDER: tuple[Code, ...] = ("W", "A", "B", "C", "D", "E", "F", "G", "H")
"""The order in which the states are tried."""

Tone = Literal["trace", "none", "open"]


def tone(code: Code) -> Tone:
    """Whether a state says that there is a trace, that none was found, or leaves it open."""
    if code in "HW":
        return "open"
    return "none" if code in "AF" else "trace"
