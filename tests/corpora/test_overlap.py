"""Documents on both sides: what is found, what is not taken for one, and how the work grows."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus, Document
from auditor.corpora.near import MISS, PERMUTATIONS, bands, contained, jaccard, near_duplicates
from auditor.corpora.overlap import Overlap, find_overlap
from auditor.corpora.shingles import Shingler, normalised, words
from auditor.results.rows import OverlapPair


def exact(overlap: Overlap) -> tuple[OverlapPair, ...]:
    """Pairs of equal texts."""
    return tuple(pair for pair in overlap.pairs if pair.kind == "exact")


def near(overlap: Overlap) -> tuple[OverlapPair, ...]:
    """Pairs that are nearly equal or one inside the other."""
    return tuple(pair for pair in overlap.pairs if pair.kind != "exact")


def corpus(side: str, texts: Sequence[str], groups: Sequence[str] = ()) -> Corpus:
    ids = [f"{side}{number}" for number in range(len(texts))]
    documents = tuple(Document(name, text, group) for name, text, group in zip(ids, texts, groups or ids, strict=True))
    return Corpus(side, documents, 0, 0, "0" * 64)


def compare(suspect: Sequence[str], heldout: Sequence[str], **options: float) -> Overlap:
    return find_overlap(corpus("s", suspect), corpus("h", heldout), seed=7, **options)


def prose(rng: random.Random, length: int) -> list[str]:
    return ["".join(rng.choices("abcdefghij", k=6)) for _ in range(length)]


def unrelated(seed: int, count: int, length: int = 60) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(prose(rng, length)) for _ in range(count)]


def test_unrelated_texts_share_nothing():
    assert compare(unrelated(1, 50), unrelated(2, 50)) == Overlap((), (), 0.8)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The Same Text", "the  same\n\ttext "),
        ("Straße ﬁn ½", "STRASSE fin 1⁄2"),
        ("e\u0301te\u0301 ".strip(), "ÉTÉ"),
        ("?!", "？！"),
        ("漢字", "漢字"),
    ],
)
def test_texts_equal_to_a_reader_are_exact(one, two):
    found = compare(["something else", one], [two])
    assert found.pairs == (OverlapPair("s1", "h0", "exact", 1.0),)
    assert exact(found) == found.pairs
    assert near(found) == ()


def test_near_duplicate_has_the_jaccard_index_of_its_five_grams():
    base = unrelated(3, 1, 200)[0].split()
    changed = [*base[:100], "changed", *base[101:]]
    others = unrelated(4, 20)
    found = compare([*others, " ".join(base)], [" ".join(changed), *unrelated(5, 20)])
    # One word of 200 stands in 5 of the 196 five-grams: 191 shared of 201.
    assert near(found) == (OverlapPair("s20", "h0", "near", 191 / 201),)


def test_below_the_threshold_is_no_pair_and_above_it_is():
    rng = random.Random(6)
    base = prose(rng, 300)
    changed = [word if at % 40 else "changed" for at, word in enumerate(base)]
    shingler = Shingler(np.random.default_rng(0))
    # The contained rule is stricter here: each change spoils 13 of the long runs, so only the Jaccard index decides.
    index = jaccard(shingler.shingles(base, 5), shingler.shingles(changed, 5))
    assert 0.7 < index < 0.8
    one, two = [" ".join(base)], [" ".join(changed)]
    assert compare(one, two).pairs == ()
    assert [pair.similarity for pair in compare(one, two, threshold=round(index - 0.01, 2)).pairs] == [index]


@pytest.mark.parametrize("longer_side", ["suspect", "heldout"])
def test_a_document_quoted_inside_another_is_contained(longer_side):
    short, *rest = unrelated(8, 4, 100)
    long = " ".join([rest[0], rest[1], short, rest[2]])
    found = compare([long], [short]) if longer_side == "suspect" else compare([short], [long])
    assert found.pairs == (OverlapPair("s0", "h0", "contained", 1.0),)
    assert near(found) == found.pairs


def test_containment_is_the_share_of_the_shorter_documents_runs():
    rng = random.Random(9)
    short = prose(rng, 112)
    long = prose(rng, 200) + short[:102] + prose(rng, 200)
    found = compare([" ".join(short)], [" ".join(long)])
    # 112 words make 100 runs of 13, of which the first 102 words hold 90.
    assert found.pairs == (OverlapPair("s0", "h0", "contained", 0.9),)
    long = prose(rng, 200) + short[:90] + prose(rng, 200)
    assert compare([" ".join(short)], [" ".join(long)]).pairs == ()


def test_shared_boilerplate_alone_is_no_pair():
    header = unrelated(10, 1, 40)[0]
    suspect = [f"{header} {text}" for text in unrelated(11, 30, 100)]
    heldout = [f"{header} {text}" for text in unrelated(12, 30, 100)]
    assert compare(suspect, heldout).pairs == ()


def test_short_texts_are_compared_by_characters():
    one = "The quick brown fox jumps over the lazy dog near the bank"
    two = "The quick brown fox jumps over the lazy dogs near the bank"
    found = compare([one, "An entirely different sentence of twelve words stands here for good measure"], [two])
    assert [(pair.suspect, pair.kind) for pair in found.pairs] == [("s0", "near")]


def test_near_duplicates_across_the_limit_of_short_texts_are_found():
    rng = random.Random(13)
    base = prose(rng, 19)
    found = compare([" ".join(base)], [" ".join([*base, "tail"])])
    assert [pair.kind for pair in near(found)] == ["near"]


@pytest.mark.parametrize("text", ["a", "!", "🦉", "ab"])
def test_tiny_texts_only_match_themselves(text):
    assert [pair.kind for pair in compare([text], [text, "b", "?"]).pairs] == ["exact"]
    assert compare([text], ["b", "?", "bcd"]).pairs == ()


def test_scripts_without_spaces():
    rng = random.Random(14)
    text = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))
    changed = text[:150] + "一" + text[151:]
    other = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))
    found = compare([text, other], [changed, other[:50] + text[:200] + other[250:]])
    assert [(pair.suspect, pair.heldout, pair.kind) for pair in found.pairs] == [("s0", "h0", "near")]
    quoted = compare([other[:150] + text + other[150:]], [text])
    assert [pair.kind for pair in quoted.pairs] == ["contained"]


def test_words_leave_punctuation_out():
    assert words(normalised("“Don't”—he said; 3.5 été")) == ["don", "t", "he", "said", "3", "5", "été"]
    assert words("漢字かな ab") == ["漢", "字", "か", "な", "ab"]


def test_groups_on_both_sides():
    texts = unrelated(15, 4)
    suspect = corpus("s", texts[:2], ["ann", "bob"])
    heldout = corpus("h", texts[2:], ["bob", "cid"])
    found = find_overlap(suspect, heldout, seed=0)
    assert found.groups == ("bob",)
    assert found.pairs == ()


def test_files_of_the_same_name_are_no_shared_group():
    one, two = unrelated(16, 2)
    suspect = Corpus("a", (Document("1.txt", one, "1.txt"),), 0, 0, "0" * 64)
    heldout = Corpus("b", (Document("1.txt", two, "1.txt"),), 0, 0, "0" * 64)
    assert find_overlap(suspect, heldout, seed=0).groups == ()


def test_every_document_of_many_copies_is_named_without_all_pairs():
    rng = random.Random(17)
    base = prose(rng, 150)

    def copies(side: str) -> list[str]:
        return [" ".join([*base, f"{side}{number}"]) for number in range(60)]

    found = compare(copies("s"), copies("h"))
    assert {pair.suspect for pair in near(found)} == {f"s{number}" for number in range(60)}
    assert {pair.heldout for pair in near(found)} == {f"h{number}" for number in range(60)}
    assert len(found.pairs) <= 4 * 60
    same = compare([f"X {' ' * k} y" for k in range(60)], [f"x{' ' * (k + 1)}Y" for k in range(60)])
    assert len(exact(same)) == 119


def test_one_original_of_many_copies_is_paired_with_each():
    rng = np.random.default_rng(0)
    base = np.unique(rng.integers(0, 2**64, size=100, dtype=np.uint64))
    copies = [base[number:] for number in range(5)]
    for search in (near_duplicates, contained):
        assert {i for i, _, _ in search(copies, [base], 0.8, rng)} == set(range(5))
        assert {j for _, j, _ in search([base], copies, 0.8, rng)} == set(range(5))


def test_figures_do_not_depend_on_the_seed_or_the_sides():
    rng = random.Random(18)
    bases = [prose(rng, 120) for _ in range(30)]
    suspect = [" ".join(base) for base in bases]
    heldout = [" ".join([*base[:60], "changed", *base[61:]]) for base in bases] + unrelated(19, 30)
    one, two = corpus("s", suspect), corpus("h", heldout)
    found = find_overlap(one, two, seed=1)
    assert len(near(found)) == 30
    assert found == find_overlap(one, two, seed=1) == find_overlap(one, two, seed=2)
    turned = find_overlap(two, one, seed=3)
    assert {(pair.heldout, pair.suspect, pair.kind, pair.similarity) for pair in turned.pairs} == {
        (pair.suspect, pair.heldout, pair.kind, pair.similarity) for pair in found.pairs
    }


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_threshold_outside_its_range(threshold):
    with pytest.raises(UsageError, match="outside"):
        compare(["a"], ["b"], threshold=threshold)


def test_threshold_of_one_asks_for_equal_sets():
    text = unrelated(20, 1)[0]
    assert len(near(compare([text], [text + "!"], threshold=1.0))) == 1
    assert near(compare([text], [text + " more"], threshold=1.0))[0].kind == "contained"


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.3, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_fit_and_miss_no_more_than_promised(threshold):
    count, rows = bands(threshold)
    assert count * rows <= PERMUTATIONS
    assert (1 - threshold**rows) ** count <= MISS or rows == 1


def random_sets(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Sets of very different size drawn from a few dozen hashes, so that many are alike or inside one another."""
    pool = np.unique(rng.integers(0, 2**64, size=40, dtype=np.uint64))
    return [pool[np.sort(rng.permutation(40)[: rng.integers(0, 41)])] for _ in range(count)]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
@settings(max_examples=40, deadline=None)
def test_both_searches_agree_with_comparing_every_pair(seed, threshold):
    rng = np.random.default_rng(seed)
    sets = random_sets(rng, 21)
    left, right = sets[:12], [*sets[12:], sets[0]]
    shared = np.array([[len(np.intersect1d(a, b)) for b in right] for a in left], dtype=float)
    sizes = np.array([[(len(a), len(b)) for b in right] for a in left], dtype=float)
    smaller = sizes.min(axis=2)
    share = np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)
    union = sizes.sum(axis=2) - shared
    index = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)

    inside = {(i, j): value for i, j, value in contained(left, right, threshold, rng)}
    assert all(value == share[i, j] >= threshold for (i, j), value in inside.items())
    for i in range(len(left)):
        best = max((value for (a, _), value in inside.items() if a == i), default=0)
        assert best == (share[i].max() if share[i].max() >= threshold else 0)
    for j in range(len(right)):
        best = max((value for (_, b), value in inside.items() if b == j), default=0)
        assert best == (share[:, j].max() if share[:, j].max() >= threshold else 0)

    near = {(i, j): value for i, j, value in near_duplicates(left, right, threshold, rng)}
    assert all(value == index[i, j] >= threshold for (i, j), value in near.items())
    # Sets well above the threshold are never missed; those close to it may be, rarely.
    sure = index >= min(1.0, threshold + 0.15)
    assert {i for i, _ in near} >= set(np.flatnonzero(sure.any(axis=1)))
    assert {j for _, j in near} >= set(np.flatnonzero(sure.any(axis=0)))


def test_shingles_are_sets_of_runs_and_equal_runs_hash_alike():
    shingler = Shingler(np.random.default_rng(0))
    items = ["a", "b", "a", "b", "a"]
    assert len(shingler.shingles(items, 2)) == 2
    assert len(shingler.shingles(items, 5)) == 1
    assert len(shingler.shingles(items, 6)) == 0
    assert set(shingler.shingles(["b", "a"], 2)) < set(shingler.shingles(items, 2))
    assert set(shingler.shingles(["b", "c"], 2)).isdisjoint(shingler.shingles(items, 2))
    many = [str(number) for number in range(5000)]
    assert len(shingler.shingles(many, 3)) == 4998
