"""Identifiers are found, held against decoys of their own law, and refused where their law is not what it seems."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chisquare

from auditor.dealt.identifiers.famous import famous_payloads, patterned
from auditor.dealt.identifiers.keccak import keccak256
from auditor.dealt.identifiers.kind import IdentifierKind, all_kinds
from auditor.dealt.identifiers.kinds.ethereum import checksummed
from auditor.dealt.identifiers.masking import MASK, mask_copies
from auditor.dealt.identifiers.survey import IdentifierSurvey, draw_decoys, survey_identifiers
from auditor.inference.unit_ranks import published_rank, rank_sum_test


def digest(name: str, number: int) -> str:
    return hashlib.new(name, f"file {number}".encode()).hexdigest()


def integrity(name: str, number: int) -> str:
    return f"{name}-{base64.b64encode(bytes.fromhex(digest(name, number))).decode()}"


def random_uuid(number: int) -> str:
    return str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))


SAMPLES: dict[str, tuple[str, Callable[[int], str]]] = {
    "md5": ("MD5", lambda n: digest("md5", n)),
    "sha1": ("SHA-1", lambda n: digest("sha1", n)),
    "sha1 in capitals": ("SHA-1", lambda n: digest("sha1", n).upper()),
    "sha256": ("SHA-256", lambda n: digest("sha256", n)),
    "container": ("SHA-256 with prefix", lambda n: f"sha256:{digest('sha256', n)}"),
    "sri 256": ("integrity digest", lambda n: integrity("sha256", n)),
    "sri 384": ("integrity digest", lambda n: integrity("sha384", n)),
    "sri 512": ("integrity digest", lambda n: integrity("sha512", n)),
    "go module": ("integrity digest", lambda n: f"h1:{integrity('sha256', n).partition('-')[2]}"),
    "uuid": ("UUID (version 4)", random_uuid),
    "uuid in capitals": ("UUID (version 4)", lambda n: random_uuid(n).upper()),
    "address": ("Ethereum address", lambda n: f"0x{checksummed(digest('sha1', n))}"),
    "address in lower case": ("Ethereum address", lambda n: f"0x{digest('sha1', n)}"),
}


def survey(*texts: str, decoys: int = 3) -> IdentifierSurvey:
    return survey_identifiers([(f"d{n}", text) for n, text in enumerate(texts)], seed=1, decoys=decoys)


def kind_of(name: str) -> IdentifierKind:
    return next(kind for kind in all_kinds() if kind.name == name)


@pytest.mark.parametrize("sample", SAMPLES)
def test_identifiers_are_found_with_decoys_of_their_format(sample: str) -> None:
    name, make = SAMPLES[sample]
    found = survey(*(f"the build {number} has {make(number)}, as said." for number in range(25)))
    assert not found.refusal
    assert not found.left_out
    kind = kind_of(name)
    for number, unit in enumerate(found.units):
        assert (unit.kind, unit.document, unit.candidates[0]) == (name, f"d{number}", make(number))
        assert (unit.before, unit.after) == (f"the build {number} has ", ", as said.")
        assert len(set(unit.candidates)) == 4
        assert sorted(unit.tie_order) == [0, 1, 2, 3]
        for decoy in unit.candidates[1:]:
            assert kind.pattern.fullmatch(decoy)
            assert not kind.refuse(decoy)
            assert (decoy.isupper(), len(decoy)) == (unit.candidates[0].isupper(), len(unit.candidates[0]))


@pytest.mark.parametrize("sample", ["md5", "uuid", "sri 256", "address"])
def test_digits_of_decoys_are_uniform_where_they_are_free(sample: str) -> None:
    name, make = SAMPLES[sample]
    kind, value = kind_of(name), make(3)
    payloads = [kind.payload(decoy) for decoy in draw_decoys(kind, value, 200, np.random.default_rng(5))]
    for at, is_free in enumerate(kind.free(kind.payload(value))):
        counts = Counter(payload[at] for payload in payloads)
        if is_free:
            assert chisquare([counts[digit] for digit in "0123456789abcdef"]).pvalue > 1e-5
        else:
            assert set(counts) == {kind.payload(value)[at]}


def test_a_digest_that_may_be_a_uuid_keeps_the_digits_that_both_have() -> None:
    value = "a3c1f0d95b7e4f12" + "9d04c6b8e7a15f23"
    assert value[12] == "4"
    free = kind_of("MD5").free(value)
    assert [at for at, is_free in enumerate(free) if not is_free] == [12, 16]


def test_keccak_and_checksums_are_those_of_their_papers() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    for address in ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"):
        assert checksummed(address.lower()) == address
    assert len({keccak256(b"x" * size) for size in (134, 135, 136, 137, 300)}) == 5


@pytest.mark.parametrize("form", ["commit/{}?x", "img_{}.png", "#{}", "{}-5", "'{}'", "a..{}", "--hash={},"])
def test_identifiers_are_found_in_addresses_names_and_quotes(form: str) -> None:
    (unit,) = survey(form.format(digest("sha1", 5))).units
    assert unit.candidates[0] == digest("sha1", 5)


REFUSED = {
    "the digest of nothing": (hashlib.md5(b"").hexdigest(), "known from many texts"),
    "the digest of a password": (hashlib.sha1(b"password").hexdigest(), "known from many texts"),
    "the integrity of nothing": (
        "sha256-" + base64.b64encode(hashlib.sha256(b"").digest()).decode(),
        "known from many texts",
    ),
    "a UUID of time": ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "a UUID with a time or a name in it"),
    "a UUID of version 7": ("018f3c2e-8b1a-7c3d-9e4f-5a6b7c8d9e0f", "a UUID with a time or a name in it"),
    "a UUID of a name": (str(uuid.uuid5(uuid.NAMESPACE_DNS, "x.org")), "a UUID with a time or a name in it"),
    "no UUID": ("12d4c67a-9b3e-4f5a-7c2d-8e1f60a3b5c4", "no UUID of a known version"),
    "a time without hyphens": ("018f3c2e8b1a7c3d9e4f5a6b7c8d9e0f", "a UUID with a time in it"),
    "a time of version 1": ("6ba7b8109dad11d180b400c04fd430c8", "a UUID with a time in it"),
    "a time of version 6": ("1ec9414c232a6b00b3c89e6bdeced846", "a UUID with a time in it"),
    "a UUID in mixed case": ("A2d4c67a-9b3e-4f5a-8c2d-8e1f60a3b5c4", "mixed case"),
    "a wrong checksum": ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "a wrong checksum"),
    "the zero address": ("0x" + "0" * 40, "a pattern that no random draw gives"),
    "a vanity address": ("0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e", "a pattern that no random draw gives"),
    "counting digits": ("0123456789abcdef0123456789abcdef", "a pattern that no random draw gives"),
    "wrapped ether": ("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "known from many texts"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_identifiers_of_another_law_are_left_out(name: str) -> None:
    value, reason = REFUSED[name]
    assert survey(f"see {value} there").left_out == {reason: 1}


@pytest.mark.parametrize(
    "text",
    [
        "x" + digest("md5", 1),
        digest("sha1", 1) + "ab",
        digest("md5", 1)[:31],
        "0x" + digest("sha256", 1),
        "serialVersionUID = 1L; id 123456789",
        "Deadbeef" * 4,
    ],
)
def test_what_is_no_identifier_is_no_unit(text: str) -> None:
    assert survey(text).units == ()


def test_one_identifier_in_several_files_and_forms_is_one_unit() -> None:
    own = digest("sha256", 7)
    found = survey(f"a {own}", f"b {own.upper()}", f"c sha256:{own}", f"d {integrity('sha256', 7)} {own}")
    assert [(unit.document, unit.occurrences) for unit in found.units] == [("d0", 5)]


def test_identifiers_that_count_up_are_left_out() -> None:
    first = random_uuid(1)
    counting = [first[:-2] + f"{number:02x}" for number in range(30)]
    found = survey(*counting, random_uuid(2))
    assert found.left_out == {"shares its beginning or end with another": 30}
    assert len(found.units) == 1


def test_a_kind_with_the_time_at_its_front_is_left_out() -> None:
    rng = random.Random(1)
    traces = [f"{0x65000000 + rng.getrandbits(22):08x}{rng.getrandbits(96):024x}" for _ in range(40)]
    found = survey(*traces)
    assert found.units == ()
    assert found.left_out == {"digits of the kind MD5 that are not uniform": 40}


def test_random_identifiers_are_hardly_ever_taken_for_others() -> None:
    found = survey(*(make(number) for number in range(25) for _, make in SAMPLES.values()), decoys=1)
    assert found.left_out == {}


def test_too_few_identifiers_are_no_test() -> None:
    texts = [digest("md5", number) for number in range(20)]
    assert survey(*texts[:19]).refusal == "19 identifiers of known law, and a test needs 20"
    assert survey(*texts).refusal == ""


OWN = digest("sha256", 9)
COPIES = [
    OWN,
    OWN.upper(),
    OWN[:7],
    OWN[20:32],
    ":".join(OWN[at : at + 2] for at in range(0, 64, 2)).upper(),
    "-".join((OWN[:8], OWN[8:12], OWN[12:])),
    base64.b64encode(bytes.fromhex(OWN)).decode(),
    base64.urlsafe_b64encode(bytes.fromhex(OWN)).decode(),
    base64.b32encode(bytes.fromhex(OWN)).decode(),
    f"v1.2-3-g{OWN[:8]}",
    f"https://example.org/commit/{OWN[:10]}?x=1",
]


@pytest.mark.parametrize("copy", COPIES)
def test_no_copy_of_an_identifier_is_left_in_its_context(copy: str) -> None:
    masked = mask_copies(f"Before it ({copy}) and after.", OWN)
    assert MASK in masked
    assert masked.startswith("Before it (")
    assert masked.endswith(") and after.")
    letters = re.sub(r"[^0-9A-Za-z]", "", masked.replace(MASK, " ")).lower()
    assert not any(OWN[at : at + 7] in letters for at in range(58))


def test_a_context_without_copies_stays_as_it_is() -> None:
    text = "The face of a decade: deadly bad cafe, 1234567 and " + digest("sha256", 8)
    assert mask_copies(text, OWN) == text


def test_the_context_of_a_unit_is_masked_and_cut() -> None:
    own = digest("sha1", 4)
    text = f"{'x' * 2000} {own[:9]} in front, {own} itself, {own} again, {'y' * 2000}"
    (unit,) = survey(text).units
    assert unit.before.endswith(f"x {MASK} in front, ")
    assert unit.after.startswith(f" itself, {MASK} again, y")
    assert len(unit.before) <= 1000
    assert text[unit.start :].startswith(own)


def copied(context: str, candidate: str) -> float:
    """What a model that only copies says: how many runs of six characters of a candidate stand in its context."""
    known = {context[at : at + 6].lower() for at in range(len(context) - 5)}
    return sum(candidate[at : at + 6].lower() in known for at in range(len(candidate) - 5))


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_only_copies_is_not_convicted(seed: int) -> None:
    own = [digest("sha1", 100 * seed + number) for number in range(40)]
    text = "\n".join(f"commit {value} merges {value[:10]} ({value[:7].upper()}), tree {value}" for value in own)
    found = survey_identifiers([("log", text)], seed=seed, decoys=19)
    ranks = [
        published_rank(np.array([copied(unit.before, c) for c in unit.candidates]), 0, np.array(unit.tie_order))
        for unit in found.units
    ]
    assert rank_sum_test(np.array(ranks), 19).p_value > 1e-3
    unmasked = text.replace("\n", " ")
    assert all(copied(unmasked, unit.candidates[0]) > copied(unmasked, unit.candidates[1]) for unit in found.units)


def test_decoys_depend_on_the_identifier_and_the_seed_alone() -> None:
    a, b = digest("md5", 1), digest("md5", 2)
    alone, both = survey(a), survey(f"{b} {a}")
    assert alone.units[0].candidates == both.units[1].candidates
    other = survey_identifiers([("d", a)], seed=2, decoys=3)
    assert other.units[0].candidates[1:] != alone.units[0].candidates[1:]


def test_decoys_are_held_to_the_same_rules_as_identifiers() -> None:
    assert not any(patterned(payload) for payload in (digest("md5", number) for number in range(3000)))
    assert patterned("0000000" + digest("md5", 1)[7:])
    assert hashlib.sha256(b"hello").hexdigest() in famous_payloads()
