"""The corrections for several tests, by name, and the hypotheses they correct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Correction = Literal["holm", "benjamini-hochberg"]

Hypothesis = Literal["membership", "detection", "recovery", "inversion"]
"""What EVIDENCE can rest on; see `auditor.audit.multiplicity.hypotheses`."""


NAMES: Mapping[Correction, str] = {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}
