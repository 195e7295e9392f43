"""From a corpus to the published copy and back, in every design."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.plantable import article, read_rows, switched, write_rows

from auditor.core.errors import UsageError
from auditor.planting.diff import edits_between
from auditor.planting.make import MadePlan, make_plan
from auditor.planting.publish import deal_all, publish
from auditor.planting.settings import PlantSettings
from auditor.planting.survey import survey
from auditor.planting.switches import LEAST_SITES, SWITCHES, two_wordings
from auditor.provenance.deal import WITHHELD
from auditor.provenance.draws import Draws
from auditor.provenance.folder import RESTORATION, PlanFolder
from auditor.splicing.edit import apply_text_edits
from auditor.splicing.presence import BETWEEN_ROWS
from auditor.splicing.restore import Restoration, restore

ROUND_1000 = {
    "round": 1000,
    "randomness": "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}
BEFORE = datetime(2023, 8, 22, 15, 59, 24, tzinfo=UTC)


ANY = {"document_budget": 0.9, "corpus_budget": 0.9}


def _bytes(seed: int) -> Callable[[int], bytes]:
    numbers = iter(range(1000))
    return lambda size: hashlib.sha256(f"{seed} {next(numbers)}".encode()).digest()[:size]


def _plan(folder: Path, corpus: Path, *, seed: int = 0, beacon: bool = False, **settings: Any) -> MadePlan:
    return make_plan(
        PlantSettings(corpus=str(corpus), to=str(folder / "to"), plan=str(folder / "plan"), **settings),
        beacon=beacon,
        random_bytes=_bytes(seed),
        now=BEFORE,
    )


def _restored(made: MadePlan, folder: Path, original: Path) -> bool:
    restored = restore(folder / "to", made.folder.read(RESTORATION, Restoration), folder / "clean")
    files = {path.name: path.read_bytes() for path in (folder / "clean").iterdir()}
    return restored.exact and files == {original.name: original.read_bytes()}


def test_a_holdout_withholds_the_dealt_documents_and_alters_none(tmp_path: Path) -> None:
    texts = [article(seed) for seed in range(60)]
    # A text that stands twice is published or withheld as one.
    corpus = write_rows(tmp_path / "c/rows.jsonl", [*texts, texts[0], "  "])
    made = _plan(tmp_path, corpus, design="holdout", share=0.3)
    assert made.commitment.units == 60
    publish(made.folder)
    published = read_rows(tmp_path / "to/rows.jsonl")
    dealt = deal_all(made.folder, made.commitment, None)[0]
    withheld = {unit.candidates[0] for unit, coin in dealt if coin == WITHHELD}
    assert len(withheld) == 18
    assert published == [text for text in [*texts, texts[0], "  "] if text not in withheld]
    counts = survey(made.folder, tmp_path / "to")
    assert (counts.present, counts.published, counts.leaked, counts.withheld) == (
        len(published) - 1,
        len(published) - 1,
        0,
        18,
    )
    assert _restored(made, tmp_path, corpus)


@pytest.mark.parametrize("name", [".rows.jsonl.swp", "rows.jsonl.bak", "README.md"])
def test_what_is_withheld_is_noticed_in_files_beside_the_documents(tmp_path: Path, name: str) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    (corpus.parent / name).write_bytes(corpus.read_bytes())
    made = _plan(tmp_path, corpus.parent, design="holdout", share=0.3)
    assert sum(made.corpus.copied.values()) == 1
    publish(made.folder)
    assert survey(made.folder, tmp_path / "to").leaked == 18


def test_canaries_stand_once_in_each_of_their_documents(tmp_path: Path) -> None:
    texts = [article(seed) for seed in range(120)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", texts)
    made = _plan(
        tmp_path,
        corpus,
        design="canaries",
        count=24,
        copies=3,
        decoys=19,
        batches=2,
        kind="fact",
        document_budget=0.4,
        corpus_budget=0.4,
    )
    publish(made.folder)
    published = read_rows(tmp_path / "to/rows.jsonl")
    dealt = deal_all(made.folder, made.commitment, None)
    assert [len(batch) for batch in dealt] == [12, 12]
    carrying: list[int] = []
    for unit, coin in (pair for batch in dealt for pair in batch):
        sites = [site.document for site in unit.sites]
        assert len(sites) == 3
        carrying += sites
        for candidate, text in enumerate(unit.candidates):
            found = [number for number, document in enumerate(published) if text in document]
            assert found == (sorted(sites) if candidate == coin else [])
    assert len(set(carrying)) == 72
    for number, (before, after) in enumerate(zip(texts, published, strict=True)):
        assert (before != after) == (number in carrying)
        if number in carrying:
            # Inside the text, at the end of a sentence that is neither the first nor the last.
            assert after.startswith(before.partition(".")[0])
            assert after.endswith(before.rsplit(". ", 1)[1])
    assert survey(made.folder, tmp_path / "to").share == 1.0
    assert _restored(made, tmp_path, corpus)


def test_twins_are_one_of_two_complementary_wordings(tmp_path: Path) -> None:
    texts = [switched(seed) for seed in range(48)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", [*texts, "Nothing to switch here."])
    made = _plan(tmp_path, corpus, design="twins")
    assert made.skipped == 1
    publish(made.folder)
    published = read_rows(tmp_path / "to/rows.jsonl")
    dealt = deal_all(made.folder, made.commitment, None)[0]
    assert published == [*(unit.candidates[coin] for unit, coin in dealt), "Nothing to switch here."]
    assert _restored(made, tmp_path, corpus)


def test_versions_of_the_owner_are_dealt(tmp_path: Path) -> None:
    first = [article(seed) for seed in range(60)]
    versions = [[text.replace(".", mark) for text in first] for mark in ("!", "?")]
    versions[0][3] = first[3]
    corpus = write_rows(tmp_path / "c/rows.jsonl", first)
    paths = [str(write_rows(tmp_path / f"v{n}/rows.jsonl", texts)) for n, texts in enumerate(versions)]
    made = _plan(tmp_path, corpus, design="choice", wordings=tuple(paths))
    assert made.commitment.candidates == 3
    # A document that is the same in two versions has no choice.
    assert made.commitment.units == 59
    publish(made.folder)
    published = read_rows(tmp_path / "to/rows.jsonl")
    for unit, coin in deal_all(made.folder, made.commitment, None)[0]:
        assert published[unit.sites[0].document] == unit.candidates[coin]
    assert _restored(made, tmp_path, corpus)
    with pytest.raises(UsageError, match="two wordings a document"):
        _plan(tmp_path / "two", corpus, design="twins", wordings=tuple(paths))
    other = write_rows(tmp_path / "v3/rows.jsonl", first[:-1])
    with pytest.raises(UsageError, match="does not have the documents"):
        _plan(tmp_path / "three", corpus, design="choice", wordings=(str(other),))


def test_rows_are_published_in_the_dealt_order(tmp_path: Path) -> None:
    texts = [article(seed, 1) for seed in range(245)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", texts)
    made = _plan(tmp_path, corpus, design="order", shard=4, decoys=9)
    assert made.commitment.units == 61
    publish(made.folder)
    published = read_rows(tmp_path / "to/rows.jsonl")
    for block, (unit, coin) in enumerate(deal_all(made.folder, made.commitment, None)[0]):
        rows = published[4 * block : 4 * block + 4]
        assert BETWEEN_ROWS.join(rows) == unit.candidates[coin]
        assert sorted(rows) == sorted(texts[4 * block : 4 * block + 4])
    assert published[244] == texts[244]
    assert survey(made.folder, tmp_path / "to").share == 1.0
    assert _restored(made, tmp_path, corpus)
    assert survey(made.folder, tmp_path / "clean").share < 0.3


def test_a_killed_run_deals_the_same_coins_again(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path, corpus, design="holdout", share=0.5)
    publish(made.folder)
    first = (tmp_path / "to/rows.jsonl").read_bytes()
    # Killed after the plan knew of the copy, and before the copy appeared.
    shutil.rmtree(tmp_path / "to")
    publish(made.folder)
    assert (tmp_path / "to/rows.jsonl").read_bytes() == first
    (made.folder.path / RESTORATION).unlink()
    with pytest.raises(UsageError, match="the coins stay the same"):
        publish(made.folder)


def test_two_runs_at_once_leave_one_whole_plan(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path, corpus, design="holdout", share=0.5)
    with pytest.raises(UsageError, match="holds something already"):
        _plan(tmp_path, corpus, seed=1, design="holdout", share=0.5)
    with made.folder.held(), pytest.raises(UsageError, match="another run is dealing"):
        publish(made.folder)
    publish(made.folder)
    assert survey(made.folder, tmp_path / "to").share == 1.0


def test_plan_corpus_and_copy_can_be_moved_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_rows(tmp_path / "one/c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path / "one", corpus.parent, design="holdout", share=0.5)
    (tmp_path / "one").rename(tmp_path / "two")
    monkeypatch.chdir(tmp_path / "two/plan")
    publish(PlanFolder(Path()))
    assert made.folder.path.parent.name == "one"
    assert (tmp_path / "two/to/rows.jsonl").is_file()


def test_the_commitment_confirms_no_guess_of_what_was_withheld(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = [_plan(tmp_path / str(seed), corpus, seed=seed, design="holdout", share=0.5) for seed in (1, 2)]
    assert made[0].commitment.corpus != made[1].commitment.corpus
    assert made[0].corpus.sha256 not in made[0].commitment.model_dump_json()


def test_coins_wait_for_the_committed_round(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(40)])
    made = _plan(tmp_path, corpus, design="holdout", beacon=True)
    assert made.commitment.beacon is not None
    assert made.commitment.beacon.round == 1000
    with pytest.raises(UsageError, match=r"round 1,000 of drand, which is at 2023-08-23 15:59 UTC"):
        publish(made.folder)
    assert not (tmp_path / "to").exists()
    drand = tmp_path / "drand.json"
    drand.write_text(json.dumps(ROUND_1000))
    published = publish(made.folder, beacon=drand, public="somewhere")
    # Without a verified time stamp nothing shows that the commitment came before the round.
    assert published.grade.name == "owner-alone"
    alone = deal_all(made.folder, made.commitment, None)
    assert deal_all(made.folder, made.commitment, made.folder.beacon) != alone
    with pytest.raises(UsageError, match="dealt and its copy was written already"):
        publish(made.folder, beacon=drand)


def test_a_round_that_is_still_to_come_is_refused(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(40)])
    made = _plan(tmp_path, corpus, design="holdout", beacon=True)
    drand = tmp_path / "drand.json"
    drand.write_text(json.dumps(ROUND_1000))
    with pytest.raises(UsageError, match="still to come"):
        publish(made.folder, beacon=drand, now=BEFORE)
    with pytest.raises(UsageError, match="names no place"):
        publish(made.folder, beacon=drand, public=" ")


def test_an_edited_commitment_is_refused_before_the_deal(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path, corpus, design="holdout", share=0.5)
    path = made.folder.path / "commitment.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    with pytest.raises(UsageError, match="not written as canonical JSON"):
        publish(made.folder)


def test_a_beacon_is_refused_where_none_was_committed_to(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path, corpus, design="holdout", share=0.5)
    with pytest.raises(UsageError, match="names no beacon"):
        publish(made.folder, beacon=tmp_path / "drand.json")
    with pytest.raises(UsageError, match="the plan has none"):
        publish(made.folder, public="somewhere")


@pytest.mark.parametrize("change", ["text", "row", "file"])
def test_a_corpus_that_changed_since_the_commitment_is_refused(tmp_path: Path, change: str) -> None:
    texts = [article(seed) for seed in range(60)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", texts)
    made = _plan(tmp_path, corpus.parent, design="holdout", share=0.5)
    if change == "file":
        (corpus.parent / "new.txt").write_text("New.")
    else:
        write_rows(corpus, [texts[0] + " More.", *texts[1:]] if change == "text" else texts[:-1])
    with pytest.raises(UsageError, match="changed since the commitment"):
        publish(made.folder)
    assert not (tmp_path / "to").exists()


def test_changed_units_do_not_open(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    made = _plan(tmp_path, corpus, design="holdout", share=0.5)
    units = made.folder.units_file(1)
    units.write_text(units.read_text().replace('document-1"', 'document-x"', 1))
    with pytest.raises(UsageError, match="Merkle roots differ"):
        publish(made.folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"design": "holdout", "share": 0.02}, "can never reach"),
        (
            {"design": "canaries", "count": 3, "kind": "hex", "document_budget": 0.9, "corpus_budget": 0.9},
            "never reach",
        ),
        ({"design": "canaries", "count": 30, "kind": "hex"}, "documents have to carry a canary, and 0 of 40 can"),
        ({"design": "canaries", "count": 30, "kind": "hex", "document_budget": 0.9}, "the canaries add 30 words"),
        ({"design": "canaries", "count": 30, "kind": "words"}, "needs? 500"),
        ({"design": "canaries", "count": 30, "kind": "sampled"}, "need a model"),
        ({"design": "canaries", "count": 30, "kind": "wrods"}, "unknown kind of canaries 'wrods'"),
        ({"design": "twins"}, "needs 7"),
        ({"design": "choice"}, "none is given"),
        ({"design": "order"}, "blocks of 8, and an order needs 30"),
        ({"design": "holdout", "batches": 5}, "needs 10 a batch"),
    ],
)
def test_plans_that_cannot_work_are_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(40)])
    with pytest.raises(UsageError, match=message):
        _plan(tmp_path, corpus, **settings)
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("plan", "to"), [("to/plan", "to"), ("p", "p/to"), ("p", "p"), ("c/plan", "to"), ("full", "to")]
)
def test_secrets_never_lie_where_something_is_published(tmp_path: Path, plan: str, to: str) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("something")
    settings = PlantSettings(
        corpus=str(corpus.parent), design="holdout", to=str(tmp_path / to), plan=str(tmp_path / plan), share=0.5
    )
    with pytest.raises(UsageError, match=r"lie in one another|lies in the corpus|holds something already"):
        make_plan(settings, beacon=False)


def test_coins_differ_between_keys_and_are_fair(tmp_path: Path) -> None:
    texts = [switched(seed) for seed in range(48)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", texts)
    coins = []
    for seed in range(12):
        made = _plan(tmp_path / str(seed), corpus, seed=seed, design="twins")
        coins += [coin for _, coin in deal_all(made.folder, made.commitment, None)[0]]
    assert stats.binomtest(sum(coins), len(coins)).pvalue > 1e-4
    assert 0 < sum(coins[:48]) < 45


def test_two_wordings_are_complementary_at_every_site() -> None:
    text = "We do not know the colour, it is not red, white, and blue. Two of them cannot travel. For example, this."
    assert two_wordings("Only two words.", Draws(b"k"), "d") is None
    wordings = two_wordings(switched(1), Draws(b"k"), "d")
    assert wordings is not None
    first, second = wordings
    changed = [edit for edit in edits_between(first, second) if edit.new]
    assert len(changed) >= LEAST_SITES
    assert switched(1) not in wordings
    assert two_wordings(switched(1), Draws(b"k"), "d") == wordings
    blocked = two_wordings(switched(1), Draws(b"k"), "d", lambda start, stop: False)
    assert blocked is None
    assert two_wordings(text, Draws(b"k"), "d") is None


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.one)
def test_each_switch_goes_back_to_what_it_was(switch: Any) -> None:
    for written in (switch.one, switch.other) if switch.both else (switch.one,):
        text = f"Here {written} the one. " + " ".join(["We do not."] * 6)
        wordings = two_wordings(text, Draws(b"k"), "d")
        assert wordings is not None
        assert {one.split(" the one")[0] for one in wordings} == {f"Here {switch.one}", f"Here {switch.other}"}


@pytest.mark.parametrize("text", ["2-0", "x.is not.y", "don't-know", "isn'ts", "the two-year plan", "per centage"])
def test_what_only_looks_like_a_switch_stays(text: str) -> None:
    wordings = two_wordings(f"Here {text} stands. " + " ".join(["We do not."] * 6), Draws(b"k"), "d")
    assert wordings is not None
    assert all(one.startswith(f"Here {text} stands.") for one in wordings)


def test_edits_between_versions_leave_what_they_share() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        old = " ".join(rng.choice(list("abcde"), 30))
        new = " ".join(rng.choice(list("abcde"), 30))
        assert apply_text_edits(old, edits_between(old, new)) == new
    (edit,) = edits_between("the colour red", "the color red")
    assert (edit.start, edit.stop, edit.new) == (4, 10, "color")
