"""The corrections for several tests, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Correction = Literal["holm", "benjamini-hochberg"]


NAMES: Mapping[Correction, str] = {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}
