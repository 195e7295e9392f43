"""Neutral text for the probes where a user gives none: plain English prose, written for this purpose."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator

import numpy as np


def passages() -> tuple[str, ...]:
    """Short texts, no two alike."""
    text = importlib.resources.files("auditor.doctor").joinpath("passages.txt").read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split("\n\n"))


def documents(size: int, rng: np.random.Generator) -> Iterator[str]:
    """Documents without end, of the passages' sentences in random order: for measuring speed, not for reading.

    Args:
        size: Bytes of each, to the nearest sentence.
        rng: Chooses the sentences.
    """
    sentences = [sentence for passage in passages() for sentence in re.split(r"(?<=\.) ", passage)]
    while True:
        chosen: list[str] = []
        while sum(map(len, chosen)) + len(chosen) < size:
            chosen.append(sentences[int(rng.integers(len(sentences)))])
        yield " ".join(chosen)
