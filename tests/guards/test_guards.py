"""Each guard passes on a sound case and fails on the fault it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from auditor.corpora.document import Corpus, Document
from auditor.features.table import drop_sparse
from auditor.guards.blind import blind
from auditor.guards.case import Case
from auditor.guards.catalogue import all_guards, guard_alphas
from auditor.guards.controls import controls
from auditor.guards.direction import direction
from auditor.guards.excess import excess
from auditor.guards.guard import Finding, guard
from auditor.guards.minimums import minimums
from auditor.guards.numerics import numerics
from auditor.guards.overlap import overlap
from auditor.guards.policy import Policy
from auditor.inference.separability import separability
from auditor.inference.separability_result import Excess
from auditor.signals.probes import Numerics
from auditor.text.rows import text_rows

MakeCase = Callable[..., Case]


def change(corpus: Corpus, edit: Callable[[int, Document], Document]) -> Corpus:
    return replace(corpus, documents=tuple(edit(i, document) for i, document in enumerate(corpus.documents)))


def with_text(case: Case) -> Case:
    """The case with its text rows scored again."""
    rng = np.random.default_rng(5)
    rows = text_rows(case.suspect, case.heldout, case.rows, rng=rng)
    return replace(case, text=separability(rows, rng=rng, alpha=0.02, permutations=499, bootstraps=50))


def test_every_guard_is_found_once_in_order_and_says_what_it_misses() -> None:
    guards = all_guards()
    assert [g.name for g in guards][:2] == ["blind", "overlap"]
    assert len({g.name for g in guards}) == len(guards)
    assert len({g.order for g in guards}) == len(guards)
    assert all(g.question.endswith("?") and g.misses.endswith(".") for g in guards)


def test_the_testing_guards_share_less_than_five_per_cent() -> None:
    assert 0 < sum(guard_alphas(Policy()).values()) <= 0.05


def test_a_guard_labels_its_finding(make_case: MakeCase) -> None:
    @guard(name="mine", order=1, question="Is it?", misses="Much.")
    def mine(case: Case) -> Finding:
        return Finding("failed", f"{len(case.suspect.documents)} seen", "mend it", auc=0.7)

    result = mine.run(make_case())
    assert (result.name, result.question, result.misses) == ("mine", "Is it?", "Much.")
    assert (result.status, result.reason, result.mend, result.auc) == ("failed", "60 seen", "mend it", 0.7)


def test_sound_cases_pass_every_guard(make_case: MakeCase) -> None:
    statuses = {g.name: g.run(make_case()).status for g in all_guards()}
    assert statuses.pop("controls") == "not run"
    assert set(statuses.values()) == {"passed"}


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
def test_blind_catches_what_text_alone_shows(make_case: MakeCase, edit: Callable[[int, Document], Document]) -> None:
    case = make_case()
    found = blind.run(with_text(replace(case, suspect=change(case.suspect, edit))))
    assert found.status == "failed"
    assert found.p_value is not None
    assert found.p_value <= 0.02
    assert found.mend


def test_blind_tells_dates_apart_by_year(make_case: MakeCase) -> None:
    case = make_case()
    old = change(case.suspect, lambda i, d: replace(d, text=f"{d.text} It was {1890 + i % 20}."))
    new = change(case.heldout, lambda i, d: replace(d, text=f"{d.text} It was {1905 + i % 20}."))
    found = blind.run(with_text(replace(case, suspect=old, heldout=new)))
    assert found.status == "failed"
    years = {
        column.name: column.p_adjusted for column in with_text(replace(case, suspect=old, heldout=new)).text.columns
    }
    assert years["latest-year"] < 0.01


def test_direction_fails_when_the_suspect_set_looks_less_familiar(make_case: MakeCase) -> None:
    assert direction.run(make_case(shift=1.0)).status == "passed"
    assert direction.run(make_case(shift=-1.0)).status == "failed"


def test_direction_is_not_asked_where_nothing_differs(make_case: MakeCase) -> None:
    assert direction.run(make_case(shift=0.0)).status == "not run"


def test_excess_fails_when_text_could_explain_the_effect(make_case: MakeCase) -> None:
    weak = Excess(difference=0.05, lower=-0.01, level=0.95)
    assert excess.run(make_case(excess=weak)).status == "failed"
    assert excess.run(make_case(excess=weak, shift=0.0)).status == "not run"


def test_controls_fail_when_another_model_separates_too(make_case: MakeCase) -> None:
    apart, alike = make_case(shift=1.0).membership, make_case(shift=0.0).membership
    assert controls.run(make_case(controls={"base": alike})).status == "passed"
    found = controls.run(make_case(controls={"base": alike, "old": apart}))
    assert found.status == "failed"
    assert "old" in found.reason
    assert [figure.limit for figure in found.figures] == [0.005, 0.005]


def test_overlap_names_the_shared_document(make_case: MakeCase) -> None:
    case = make_case()
    shared = replace(case.heldout.documents[7], text=case.suspect.documents[3].text.upper())
    heldout = replace(case.heldout, documents=(*case.heldout.documents[:7], shared, *case.heldout.documents[8:]))
    found = overlap.run(replace(case, heldout=heldout))
    assert found.status == "failed"
    assert "suspect-3" in found.reason
    assert "heldout-7" in found.reason


def test_overlap_names_a_group_on_both_sides(make_case: MakeCase) -> None:
    case = make_case()
    suspect = change(case.suspect, lambda i, d: replace(d, group="one book") if i == 3 else d)
    heldout = change(case.heldout, lambda i, d: replace(d, group="one book") if i == 0 else d)
    found = overlap.run(replace(case, suspect=suspect, heldout=heldout))
    assert found.status == "failed"
    assert "one book" in found.reason


def test_minimums_fail_on_few_groups(make_case: MakeCase) -> None:
    found = minimums.run(make_case(groups=29))
    assert found.status == "failed"
    assert "29 groups" in found.reason
    assert minimums.run(make_case(groups=30)).status == "passed"


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
