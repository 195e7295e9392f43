"""Each guard passes on a sound case and fails on the fault it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from auditor.corpora.document import Corpus, Document
from auditor.features.table import drop_sparse
from auditor.membership.guards.blind import blind
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.clusters import clusters
from auditor.membership.guards.controls import controls
from auditor.membership.guards.direction import direction
from auditor.membership.guards.excess import excess
from auditor.membership.guards.guard import GuardOutcome, all_guards, guard, guard_alphas
from auditor.membership.guards.minimums import minimums
from auditor.membership.guards.numerics import FEWEST_SHUFFLED, numerics
from auditor.membership.guards.overlap import overlap
from auditor.results.policy import Policy
from auditor.results.rows import Numerics
from auditor.results.separability import Excess

pytestmark = pytest.mark.long

MakeCase = Callable[..., GuardContext]
Sides = tuple[Corpus, Corpus]
WORDS = "river stone winter market letter garden window bridge candle forest summer copper silver harbour".split()


def change(corpus: Corpus, edit: Callable[[int, Document], Document]) -> Corpus:
    return replace(corpus, documents=tuple(edit(i, document) for i, document in enumerate(corpus.documents)))


def test_every_guard_is_found_once_in_order_and_says_what_it_misses() -> None:
    guards = all_guards()
    assert [g.name for g in guards][:2] == ["blind", "clusters"]
    assert len({g.name for g in guards}) == len(guards)
    assert len({g.order for g in guards}) == len(guards)
    assert all(g.question.endswith("?") and g.blind_spots.endswith(".") for g in guards)


def test_the_testing_guards_share_less_than_five_per_cent() -> None:
    assert 0 < sum(guard_alphas(Policy()).values()) <= 0.05


@pytest.mark.simulation
def test_a_guard_labels_its_finding(make_case: MakeCase) -> None:
    @guard(name="mine", order=1, question="Is it?", blind_spots="Much.")
    def mine(case: GuardContext) -> GuardOutcome:
        return GuardOutcome("failed", f"{case.documents[0]} seen", "mend it", auc=0.7)

    result = mine.run(make_case())
    assert (result.name, result.question, result.blind_spots) == ("mine", "Is it?", "Much.")
    assert (result.status, result.reason, result.remediation, result.auc) == ("failed", "60 seen", "mend it", 0.7)


@pytest.mark.simulation
def test_sound_cases_pass_every_guard(make_case: MakeCase) -> None:
    statuses = {g.name: g.run(make_case()).status for g in all_guards()}
    assert statuses.pop("controls") == "not run"
    assert set(statuses.values()) == {"passed"}


@pytest.mark.simulation
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(
            lambda i, d: replace(d, text=d.text.replace("river", "desert").replace("stone", "engine")), id="topic"
        ),
        pytest.param(lambda i, d: replace(d, text=f"{d.text} It was {1890 + i % 20}."), id="date"),
        pytest.param(lambda i, d: replace(d, text=d.text[: len(d.text) * 2 // 3]), id="length"),
        pytest.param(lambda i, d: replace(d, text=d.text.replace(" ", "\n", 3)), id="line breaks"),
        pytest.param(lambda i, d: replace(d, text=d.text.rstrip(".")), id="final full stop"),
        pytest.param(lambda i, d: replace(d, text=d.text + " "), id="trailing space"),
        pytest.param(lambda i, d: replace(d, text=d.text.replace("e", "é", 1)), id="accents"),
    ],
)
def test_blind_catches_what_text_alone_shows(
    make_case: MakeCase, sides: Sides, edit: Callable[[int, Document], Document]
) -> None:
    found = blind.run(make_case(suspect=change(sides[0], edit)))
    assert found.status == "failed"
    assert found.p_value is not None
    assert found.p_value <= 0.02
    assert found.remediation


def test_blind_tells_dates_apart_by_year(make_case: MakeCase, sides: Sides) -> None:
    old = change(sides[0], lambda i, d: replace(d, text=f"{d.text} It was {1890 + i % 20}."))
    new = change(sides[1], lambda i, d: replace(d, text=f"{d.text} It was {1905 + i % 20}."))
    case = make_case(suspect=old, heldout=new)
    assert blind.run(case).status == "failed"
    assert {column.name: column.p_adjusted for column in case.text.columns}["latest-year"] < 0.01


@pytest.mark.simulation
def test_direction_fails_when_the_suspect_set_looks_less_familiar(make_case: MakeCase) -> None:
    assert direction.run(make_case(shift=1.0)).status == "passed"
    assert direction.run(make_case(shift=-1.0)).status == "failed"


def test_direction_is_not_asked_where_nothing_differs(make_case: MakeCase) -> None:
    assert direction.run(make_case(shift=0.0)).status == "not run"


@pytest.mark.simulation
def test_excess_fails_when_text_could_explain_the_effect(make_case: MakeCase) -> None:
    weak = Excess(over="text", difference=0.05, lower=-0.01, p_value=None, level=0.95)
    assert excess.run(make_case(excess=weak)).status == "failed"
    assert excess.run(make_case(excess=weak, shift=0.0)).status == "not run"


@pytest.mark.parametrize(("p_value", "status"), [(0.05, "passed"), (0.0501, "failed")])
def test_over_a_reference_the_p_value_of_the_adjusted_change_decides(
    make_case: MakeCase, p_value: float, status: str
) -> None:
    gap = Excess(over="reference", difference=0.04, lower=None, p_value=p_value, level=0.95)
    outcome = excess.run(make_case(excess=gap))
    assert outcome.status == status
    assert "reference" in outcome.reason
    assert outcome.figures[1].limit == 0.05
    assert excess.run(make_case(excess=gap, shift=0.0)).status == "not run"


@pytest.mark.simulation
def test_controls_fail_when_another_model_separates_too(make_case: MakeCase) -> None:
    apart, alike = make_case(shift=1.0).membership, make_case(shift=0.0).membership
    assert controls.run(make_case(controls={"base": alike})).status == "passed"
    found = controls.run(make_case(controls={"base": alike, "old": apart}))
    assert found.status == "failed"
    assert "old" in found.reason
    assert [figure.limit for figure in found.figures] == [0.01, 0.01]
    assert found.figures[1].value == 2 * apart.p_value


def sharing(sides: Sides, count: int) -> Corpus:
    """A held-out side whose documents from the seventh on repeat suspect documents from the third on."""
    copies = {7 + number: sides[0].documents[3 + number].text.upper() for number in range(count)}
    return change(sides[1], lambda i, d: replace(d, text=copies.get(i, d.text)))


@pytest.mark.simulation
def test_overlap_names_the_shared_documents(make_case: MakeCase, sides: Sides) -> None:
    found = overlap.run(make_case(heldout=sharing(sides, 8)))
    assert found.status == "failed"
    assert "8 of 60 suspect and 8 of 60 held-out" in found.reason
    assert "suspect-3 and heldout-7" in found.reason
    assert "and 5 more" in found.reason


@pytest.mark.simulation
def test_few_shared_documents_are_left_out_of_both_sides_and_named(make_case: MakeCase, sides: Sides) -> None:
    case = make_case(heldout=sharing(sides, 3))
    found = overlap.run(case)
    assert found.status == "passed"
    assert "3 suspect documents of 60 and 3 held-out of 60, in 3 clusters" in found.reason
    assert "suspect-5 and heldout-9" in found.reason
    assert case.documents == (57, 57)
    assert {figure.name: figure.value for figure in found.figures}["largest share of a side"] == 0.05
    strict = overlap.run(make_case(heldout=sharing(sides, 1), policy=Policy(most_shared=0)))
    assert strict.status == "failed"


def same_books(sides: Sides, count: int) -> Sides:
    """Sides of which some documents are named after the same books."""
    named = (change(side, lambda i, d: replace(d, group=f"one book {i}") if i < count else d) for side in sides)
    first, second = named
    return first, second


@pytest.mark.simulation
def test_overlap_names_a_group_on_both_sides(make_case: MakeCase, sides: Sides) -> None:
    suspect, heldout = same_books(sides, 8)
    case = make_case(suspect=suspect, heldout=heldout)
    found = overlap.run(case)
    assert found.status == "failed"
    assert "one book" in found.reason
    assert "Groups on both sides: 8" in found.reason
    suspect, heldout = same_books(sides, 3)
    case = make_case(suspect=suspect, heldout=heldout)
    found = overlap.run(case)
    assert found.status == "passed"
    assert "of group one book" in found.reason
    assert case.documents == (57, 57)


def test_minimums_fail_on_few_groups(make_case: MakeCase) -> None:
    found = minimums.run(make_case(groups=29))
    assert found.status == "failed"
    assert "29 groups" in found.reason
    assert minimums.run(make_case(groups=30)).status == "passed"


@pytest.mark.simulation
def test_minimums_fail_on_uneven_truncation(make_case: MakeCase) -> None:
    assert minimums.run(make_case(truncated_suspect=25, truncated_heldout=2)).status == "failed"
    assert minimums.run(make_case(truncated_suspect=25, truncated_heldout=24)).status == "passed"


@pytest.mark.parametrize(("suspect", "heldout", "status"), [(20, 0, "failed"), (6, 5, "passed"), (60, 60, "passed")])
def test_minimums_fail_on_uneven_missing_values(make_case: MakeCase, suspect: int, heldout: int, status: str) -> None:
    case = make_case()
    values = case.rows.values.copy()
    values[np.r_[0:suspect, 60 : 60 + heldout], 0] = np.nan
    holed = replace(case.rows, values=values)
    found = minimums.run(replace(case, all_rows=holed, rows=drop_sparse(holed, 0.2)))
    assert found.status == status
    assert ("Left out" in found.reason) is (suspect == heldout == 60)


@pytest.mark.parametrize(
    ("probe", "says"),
    [
        (Numerics(8, 0.5, 2.0, 16, 0), "alone and in a batch"),
        (Numerics(8, float("nan"), 2.0, 16, 0), "alone and in a batch"),
        (Numerics(8, 1e-6, 1e-5, 16, 9), "shuffled words"),
    ],
)
def test_numerics_fail_on_a_backend_that_cannot_be_trusted(make_case: MakeCase, probe: Numerics, says: str) -> None:
    good = Numerics(8, 1e-6, 1e-5, 16, 0)
    found = numerics.run(make_case(numerics={"target": good, "base": probe}))
    assert found.status == "failed"
    assert says in found.reason
    assert "base" in found.reason


def test_numerics_does_not_judge_a_handful_of_probes(make_case: MakeCase) -> None:
    few = Numerics(8, 1e-6, 1e-5, FEWEST_SHUFFLED - 1, FEWEST_SHUFFLED - 1)
    assert numerics.run(make_case(numerics={"target": few})).status == "passed"


def pieces(name: str, books: int, count: int, seed: int) -> Corpus:
    """Books of pieces, each book with words of its own beside the common ones."""
    rng = np.random.default_rng(seed)
    documents = []
    for book in range(books):
        own = [f"{word}{book}{name}" for word in rng.choice(WORDS, size=6)]
        for piece in range(count):
            text = " ".join([*rng.choice(WORDS, size=50), *rng.choice(own, size=12)])
            documents.append(Document(f"{name}-{book}-{piece}", text, f"{name}-{book}-{piece}"))
    return Corpus(name, tuple(documents), 0, 0, "0" * 64)


@pytest.mark.simulation
@pytest.mark.parametrize("side", ["suspect", "heldout"])
def test_clusters_fail_when_whole_books_were_put_on_one_side(make_case: MakeCase, side: str) -> None:
    found = clusters.run(make_case(**{side: pieces(side, 12, 5, 3)}))
    assert found.status == "failed"
    assert found.p_value is not None
    assert found.p_value <= 0.01


@pytest.mark.simulation
def test_clusters_pass_when_pieces_of_books_were_dealt_at_random(make_case: MakeCase) -> None:
    both = pieces("both", 24, 5, 4).documents
    failed = 0
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(both)).tolist()
        halves = [Corpus("x", tuple(both[i] for i in part), 0, 0, "") for part in (order[:60], order[60:])]
        failed += clusters.run(make_case(suspect=halves[0], heldout=halves[1])).status == "failed"
    assert failed <= 1


@pytest.mark.parametrize(("p", "status"), [(0.02, "failed"), (0.0201, "passed")])
def test_blind_fails_at_its_level_and_not_above(make_case: MakeCase, p: float, status: str) -> None:
    case = make_case()
    assert blind.run(replace(case, text=case.text.model_copy(update={"p_value": p}))).status == status


@pytest.mark.parametrize(
    ("mean_z", "family_p", "status"),
    [
        (1.65, 0.5, "passed"),
        (1.6, 0.5, "failed"),
        (1.6, 0.01, "passed"),
        (1.6, 0.011, "failed"),
        (-0.1, 0.001, "failed"),
    ],
)
def test_direction_asks_the_mean_or_a_whole_significant_family(
    make_case: MakeCase, mean_z: float, family_p: float, status: str
) -> None:
    case = make_case()
    statistics = tuple(
        s.model_copy(update={"p_adjusted": family_p}) if s.name == "family:loss" else s
        for s in case.membership.statistics
    )
    membership = case.membership.model_copy(update={"mean_z": mean_z, "p_value": 0.001, "statistics": statistics})
    assert direction.run(replace(case, membership=membership)).status == status


@pytest.mark.parametrize("p_value", [0.001, 0.5])
def test_direction_refuses_features_that_claim_none(make_case: MakeCase, p_value: float) -> None:
    case = make_case()
    blind_to_it = case.membership.model_copy(update={"mean_z": None, "p_value": p_value})
    assert direction.run(replace(case, membership=blind_to_it)).status == "failed"
