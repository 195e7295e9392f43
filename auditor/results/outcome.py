"""The three outcomes of a verdict, their exit codes, and the two grades of the comparison behind one."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"]

Grade = Literal["controlled", "no control"]
"""Whether a model or a set that cannot carry the trace went through the same test."""

EXIT_CODES: dict[Outcome, int] = {"NO EVIDENCE": 0, "EVIDENCE": 1, "INCONCLUSIVE": 3}
