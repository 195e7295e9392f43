"""The three outcomes of a verdict and their exit codes."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"]

EXIT_CODES: dict[Outcome, int] = {"NO EVIDENCE": 0, "EVIDENCE": 1, "INCONCLUSIVE": 3}
