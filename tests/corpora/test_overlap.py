"""Documents on both sides: what is found, what is not taken for one, and how the work grows."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus, Document
from auditor.corpora.near import MISS, PERMUTATIONS, bands, contained, jaccard, near_duplicates
from auditor.corpora.overlap import clusters, find_shared
from auditor.corpora.shingles import Shingler, normalised, words
from auditor.results.forgetting.measurements import Role
from auditor.results.overlap import SharedDocument


def corpus(side: str, texts: Sequence[str], groups: Sequence[str] = ()) -> Corpus:
    ids = [f"{side}{number}" for number in range(len(texts))]
    documents = tuple(Document(name, text, group) for name, text, group in zip(ids, texts, groups or ids, strict=True))
    return Corpus(side, documents, 0, 0, "0" * 64)


def shared(suspect: Corpus, heldout: Corpus, *, seed: int = 7, threshold: float = 0.8) -> tuple[SharedDocument, ...]:
    read: dict[Role, Corpus] = {"suspect": suspect, "heldout": heldout}
    return find_shared(read, threshold=threshold, seed=seed)


def named(found: Sequence[SharedDocument]) -> list[tuple[str, ...]]:
    """Each cluster as the names of its documents and their relations."""
    numbers = dict.fromkeys(document.cluster for document in found)
    assert list(numbers) == list(range(len(numbers)))
    return [
        tuple(part for document in found if document.cluster == number for part in (document.id, document.relation))
        for number in numbers
    ]


def compare(suspect: Sequence[str], heldout: Sequence[str], threshold: float = 0.8) -> list[tuple[str, ...]]:
    return named(shared(corpus("s", suspect), corpus("h", heldout), threshold=threshold))


def prose(rng: random.Random, length: int) -> list[str]:
    return ["".join(rng.choices("abcdefghij", k=6)) for _ in range(length)]


def unrelated(seed: int, count: int, length: int = 60) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(prose(rng, length)) for _ in range(count)]


def test_unrelated_texts_share_nothing():
    assert compare(unrelated(1, 50), unrelated(2, 50)) == []


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
    assert compare(["something else", one], [two]) == [("s1", "exact", "h0", "exact")]


def test_near_duplicate_has_the_jaccard_index_of_its_five_grams():
    base = unrelated(3, 1, 200)[0].split()
    changed = [*base[:100], "changed", *base[101:]]
    others = unrelated(4, 20)
    found = compare([*others, " ".join(base)], [" ".join(changed), *unrelated(5, 20)])
    # One word of 200 stands in 5 of the 196 five-grams: 191 shared of 201.
    assert found == [("s20", "near", "h0", "near")]
    pair = [" ".join(base)], [" ".join(changed)]
    assert compare(*pair, threshold=191 / 201) == [("s0", "near", "h0", "near")]
    assert compare(*pair, threshold=191.1 / 201) == []


def test_below_the_threshold_is_no_pair_and_above_it_is():
    rng = random.Random(6)
    base = prose(rng, 300)
    changed = [word if at % 40 else "changed" for at, word in enumerate(base)]
    shingler = Shingler(np.random.default_rng(0))
    # The contained rule is stricter here: each change spoils 13 of the long runs, so only the Jaccard index decides.
    index = jaccard(shingler.shingles(base, 5), shingler.shingles(changed, 5))
    assert 0.7 < index < 0.8
    one, two = [" ".join(base)], [" ".join(changed)]
    assert compare(one, two) == []
    assert compare(one, two, threshold=round(index - 0.01, 2)) == [("s0", "near", "h0", "near")]


@pytest.mark.parametrize("longer_side", ["suspect", "heldout"])
def test_a_document_quoted_inside_another_is_contained(longer_side):
    short, *rest = unrelated(8, 4, 100)
    long = " ".join([rest[0], rest[1], short, rest[2]])
    found = compare([long], [short]) if longer_side == "suspect" else compare([short], [long])
    assert found == [("s0", "contained", "h0", "contained")]


def test_containment_is_the_share_of_the_shorter_documents_runs():
    rng = random.Random(9)
    short = prose(rng, 112)
    long = prose(rng, 200) + short[:102] + prose(rng, 200)
    found = compare([" ".join(short)], [" ".join(long)])
    # 112 words make 100 runs of 13, of which the first 102 words hold 90.
    assert found == [("s0", "contained", "h0", "contained")]
    assert compare([" ".join(short)], [" ".join(long)], threshold=0.91) == []
    long = prose(rng, 200) + short[:90] + prose(rng, 200)
    assert compare([" ".join(short)], [" ".join(long)]) == []


def test_shared_boilerplate_alone_is_no_pair():
    header = unrelated(10, 1, 40)[0]
    suspect = [f"{header} {text}" for text in unrelated(11, 30, 100)]
    heldout = [f"{header} {text}" for text in unrelated(12, 30, 100)]
    assert compare(suspect, heldout) == []


def test_short_texts_are_compared_by_characters():
    one = "The quick brown fox jumps over the lazy dog near the bank"
    two = "The quick brown fox jumps over the lazy dogs near the bank"
    found = compare([one, "An entirely different sentence of twelve words stands here for good measure"], [two])
    assert found == [("s0", "near", "h0", "near")]


def test_near_duplicates_across_the_limit_of_short_texts_are_found():
    rng = random.Random(13)
    base = prose(rng, 19)
    found = compare([" ".join(base)], [" ".join([*base, "tail"])])
    assert found == [("s0", "near", "h0", "near")]


@pytest.mark.parametrize("text", ["a", "!", "🦉", "ab"])
def test_tiny_texts_only_match_themselves(text):
    assert compare([text], [text, "b", "?"]) == [("s0", "exact", "h0", "exact")]
    assert compare([text], ["b", "?", "bcd"]) == []


def test_scripts_without_spaces():
    rng = random.Random(14)
    text = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))
    changed = text[:150] + "一" + text[151:]
    other = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))
    found = compare([text, other], [changed, other[:50] + text[:200] + other[250:]])
    assert [cluster[:4] for cluster in found] == [("s0", "near", "h0", "near")]
    quoted = compare([other[:150] + text + other[150:]], [text])
    assert quoted == [("s0", "contained", "h0", "contained")]


def test_words_leave_punctuation_out():
    assert words(normalised("“Don't”—he said; 3.5 été")) == ["don", "t", "he", "said", "3", "5", "été"]
    assert words("漢字かな ab") == ["漢", "字", "か", "な", "ab"]


def test_groups_on_both_sides():
    texts = unrelated(15, 4)
    suspect = corpus("s", texts[:2], ["ann", "bob"])
    heldout = corpus("h", texts[2:], ["bob", "cid"])
    assert named(shared(suspect, heldout)) == [("s1", "group", "h0", "group")]


def test_files_of_the_same_name_are_no_shared_group():
    one, two = unrelated(16, 2)
    suspect = Corpus("a", (Document("1.txt", one, "1.txt"),), 0, 0, "0" * 64)
    heldout = Corpus("b", (Document("1.txt", two, "1.txt"),), 0, 0, "0" * 64)
    assert shared(suspect, heldout) == ()


def test_every_document_of_many_copies_is_named_without_all_pairs():
    rng = random.Random(17)
    base = prose(rng, 150)

    def copies(side: str) -> list[str]:
        return [" ".join([*base, f"{side}{number}"]) for number in range(60)]

    found = compare(copies("s"), copies("h"))
    assert len(found) == 1
    assert set(found[0]) == {f"{side}{number}" for side in "sh" for number in range(60)} | {"near"}
    same = compare([f"X {' ' * k} y" for k in range(60)], [f"x{' ' * (k + 1)}Y" for k in range(60)])
    assert len(same) == 1
    assert len(same[0]) == 240
    hashes = [np.sort(np.append(np.arange(99, dtype=np.uint64), np.uint64(200 + number))) for number in range(300)]
    assert len(list(contained(hashes, 0.8, np.random.default_rng(0)))) < 2 * len(hashes)


def test_one_original_of_many_copies_is_connected_with_each():
    rng = np.random.default_rng(0)
    base = np.unique(rng.integers(0, 2**64, size=100, dtype=np.uint64))
    copies = [base, *(base[number:] for number in range(1, 6))]
    for order in (copies, copies[::-1]):
        for pairs in (near_duplicates(order, 0.8, rng, lambda i, j: False), contained(order, 0.8, rng)):
            assert components(6, pairs) == [(0, 1, 2, 3, 4, 5)]


def components(count: int, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """What pairs connect, without items that are alone."""
    parts = {item: {item} for item in range(count)}
    for i, j in pairs:
        both = parts[i] | parts[j]
        for item in both:
            parts[item] = both
    return sorted({tuple(sorted(part)) for part in parts.values() if len(part) > 1}, key=min)


def test_a_cluster_is_left_out_as_a_whole():
    """A document that resembles none of the other side is in the cluster of one that does."""
    base = prose(random.Random(21), 200)
    forms = [" ".join([*base[:cut], *unrelated(30 + cut, 1, 20)[0].split(), *base[cut + 20 :]]) for cut in (0, 0, 180)]
    first, middle, last = forms[0], " ".join(base), forms[2]
    assert compare([first], [last]) == []
    assert compare([first, middle], [last]) == [("s0", "near", "s1", "near", "h0", "near")]
    assert compare([first, middle], unrelated(22, 1)) == []


def test_clusters_do_not_depend_on_the_seed_the_order_or_the_sides():
    rng = random.Random(18)
    bases = [prose(rng, 120) for _ in range(30)]
    texts = [" ".join(base) for base in bases]
    texts += [" ".join([*base[:60], "changed", *base[61:]]) for base in bases] + unrelated(19, 30)
    found = clusters(texts, threshold=0.8, seed=1)
    assert len(found) == 30
    assert found == clusters(texts, threshold=0.8, seed=2)
    for seed in range(3):
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        shuffled = clusters([texts[index] for index in order], threshold=0.8, seed=1)
        back = {frozenset(order[member] for member in cluster.members) for cluster in shuffled}
        assert back == {frozenset(cluster.members) for cluster in found}
        cut = random.Random(seed).randrange(10, 80)
        one, two = ([texts[index] for index in some] for some in (order[:cut], order[cut:]))
        ours, theirs = shared(corpus("s", one), corpus("h", two)), shared(corpus("s", two), corpus("h", one))
        assert {document.sha256 for document in ours} == {document.sha256 for document in theirs}


def test_positions_and_digests_are_those_of_the_documents_as_read():
    texts = unrelated(24, 6)
    suspect, heldout = corpus("s", texts[:4]), corpus("h", [texts[4], texts[2].upper(), texts[5]])
    found = shared(suspect, heldout)
    assert [(document.role, document.index) for document in found] == [("suspect", 2), ("heldout", 1)]
    assert [document.sha256 for document in found] == [suspect.documents[2].sha256, heldout.documents[1].sha256]


def test_three_sets():
    texts = unrelated(25, 6)
    read: dict[Role, Corpus] = {
        "suspect": corpus("s", texts[:2]),
        "heldout": corpus("h", texts[2:4]),
        "placebo": corpus("p", [texts[3].upper(), texts[5]]),
    }
    assert named(find_shared(read, seed=0)) == [("h1", "exact", "p0", "exact")]


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_threshold_outside_its_range(threshold):
    with pytest.raises(UsageError, match="outside"):
        compare(["a"], ["b"], threshold=threshold)


def test_threshold_of_one_asks_for_equal_sets():
    text = unrelated(20, 1)[0]
    assert compare([text], [text + "!"], threshold=1.0) == [("s0", "near", "h0", "near")]
    assert compare([text], [text + " more"], threshold=1.0) == [("s0", "contained", "h0", "contained")]


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.3, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_fit_and_miss_no_more_than_promised(threshold):
    count, rows = bands(threshold)
    assert count * rows <= PERMUTATIONS
    assert (1 - threshold**rows) ** count <= MISS or rows == 1


def random_sets(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Sets of very different size drawn from a few dozen hashes, so that many are alike or inside one another."""
    pool = np.unique(rng.integers(0, 2**64, size=40, dtype=np.uint64))
    return [pool[np.sort(rng.permutation(40)[: rng.integers(0, 41)])] for _ in range(count)]


@pytest.mark.long
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
@settings(max_examples=40, deadline=None)
def test_both_searches_agree_with_comparing_every_pair(seed, threshold):
    rng = np.random.default_rng(seed)
    sets = random_sets(rng, 21)
    sets.append(sets[0])
    shared = np.array([[len(np.intersect1d(a, b)) for b in sets] for a in sets], dtype=float)
    sizes = np.array([[(len(a), len(b)) for b in sets] for a in sets], dtype=float)
    smaller = sizes.min(axis=2)
    share = np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)
    union = sizes.sum(axis=2) - shared
    index = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)

    def pairs_at(table: np.ndarray, least: float) -> list[tuple[int, int]]:
        return [(i, j) for i, j in np.argwhere(table >= least).tolist() if i < j]

    inside = list(contained(sets, threshold, rng))
    assert components(22, inside) == components(22, pairs_at(share, threshold))
    near = list(near_duplicates(sets, threshold, rng, lambda i, j: False))
    assert all(index[i, j] >= threshold for i, j in near)
    # Sets well above the threshold are never missed; those close to it may be, rarely.
    assert {frozenset(pair) for pair in near} >= {
        frozenset(pair) for pair in pairs_at(index, min(1.0, threshold + 0.15))
    }


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
