"""Corpora that tests plant in, written where a test works."""

from __future__ import annotations

import json
import random
from pathlib import Path

_WORDS = [f"{a}{b}{c}" for a in "bcdfglmnprst" for b in ("ane", "ile", "oro", "ute", "ame") for c in "dklmnrst"]


def article(seed: int, sentences: int = 8) -> str:
    """A text of sentences of made-up words."""
    rng = random.Random(seed)
    parts = (" ".join(rng.choices(_WORDS, k=rng.randint(8, 14))).capitalize() + "." for _ in range(sentences))
    return " ".join(parts)


def switched(seed: int) -> str:
    """A text with eight places that can be written in two ways."""
    rng = random.Random(seed)
    forms = ["do not", "is not", "colour", "cannot", "for example", "two", "it is", "travelled", "centre", "was not"]
    return " ".join(f"{rng.choice(_WORDS).capitalize()} {form} {rng.choice(_WORDS)}." for form in rng.sample(forms, 8))


def write_rows(path: Path, texts: list[str]) -> Path:
    """A file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(texts)))
    return path


def read_rows(path: Path) -> list[str]:
    """The texts of a file of JSON lines."""
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]
