from __future__ import annotations

from support.batch import checked, correction_of, with_looks

from auditor.audit.limitations import limitations
from auditor.results.separability import RowOrder


def test_a_single_audit_says_that_several_need_a_correction() -> None:
    told = " ".join(limitations((), series=False))
    assert "several need a correction" in told
    assert "batch" not in told


def test_in_a_batch_it_says_over_how_many_the_p_value_was_corrected() -> None:
    told = " ".join(limitations((), series=False, correction=correction_of(0.01, 0.09, audits=7, broken=1)))
    assert "corrected for all audits of its batch (7 audits, 1 of which broke and counts with p = 1)" in told
    assert "several need a correction" not in told


def test_the_correction_of_a_batch_changes_what_its_results_say_of_it() -> None:
    for result in with_looks([checked("NO EVIDENCE"), checked("EVIDENCE")], "holm"):
        assert "corrected for all audits of its batch (2 audits)" in " ".join(result.limitations)


def test_held_out_documents_that_follow_each_other_and_are_alike_are_a_limit() -> None:
    alike = RowOrder(p_value=0.002, run_length=8, variance_ratio=1.7)
    said = " ".join(limitations((), series=False, order=alike))
    assert "runs of 8" in said
    assert "by a factor of about 1.7" in said
    other = alike.model_copy(update={"p_value": 0.2})
    assert limitations((), series=False, order=other) == limitations((), series=False)
