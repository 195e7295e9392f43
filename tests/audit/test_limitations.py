from __future__ import annotations

from support.batch import checked, correction_of, with_looks

from auditor.audit.limitations import limitations


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
