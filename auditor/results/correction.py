"""The corrections for several tests, by name, and the hypotheses they correct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Correction = Literal["holm", "benjamini-hochberg"]

Hypothesis = Literal["membership", "detection", "recovery", "inversion", "dealt"]
"""What EVIDENCE can rest on; see `auditor.inference.batch_correction.hypotheses`."""


NAMES: Mapping[Correction, str] = {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}
