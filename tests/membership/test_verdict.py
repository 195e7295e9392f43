"""The verdict follows from the figures and the guards, and from nothing else."""

from __future__ import annotations

import re

import numpy as np
import pytest

from auditor.inference.separability import separability
from auditor.membership.verdict import UNCONTROLLED, decide, require_control
from auditor.results.guards import GuardResult, Status
from auditor.results.outcome import EXIT_CODES
from auditor.results.policy import Policy
from auditor.results.rows import Column, Rows
from auditor.results.separability import Separability


def membership(*, shift: float, groups: int = 150) -> Separability:
    rng = np.random.default_rng(3)
    suspect = np.repeat([True, False], groups)
    values = rng.normal(size=(2 * groups, 3)) + shift * suspect[:, None]
    rows = Rows(
        values, suspect, tuple(f"g{i}" for i in range(2 * groups)), tuple(Column(f"f{i}", "a", 1) for i in range(3))
    )
    return separability(rows, rng=rng, alpha=0.01, permutations=499, bootstraps=50)


def result(status: Status, name: str = "blind") -> GuardResult:
    return GuardResult(
        name=name, question="?", status=status, reason="The sets differ.", remediation="Choose others.", blind_spots="."
    )


def test_a_separated_set_with_sound_guards_is_evidence() -> None:
    verdict = decide(
        membership(shift=0.8), [result("passed"), result("not run", "controls")], Policy(), controlled=True
    )
    assert (verdict.outcome, verdict.reason, verdict.validity_class) == ("EVIDENCE", "separated", "B")
    assert "held-out" in verdict.sentence


def test_nothing_found_with_power_is_no_evidence_and_names_the_effect_it_would_have_seen() -> None:
    found = membership(shift=0.0)
    verdict = decide(found, [result("passed")], Policy(), controlled=True)
    assert (verdict.outcome, verdict.reason) == ("NO EVIDENCE", "not-separated")
    assert f"{found.detectable_auc:.2f}" in verdict.sentence
    assert "not trained" not in verdict.sentence


def test_nothing_found_without_power_is_inconclusive_and_says_how_many_groups() -> None:
    verdict = decide(membership(shift=0.0, groups=30), [result("passed")], Policy(), controlled=True)
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", "underpowered")
    needed = int(re.findall(r"about (\d+) groups", verdict.remediation)[0])
    assert needed > 30
    enough = membership(shift=0.0, groups=needed)
    assert enough.detectable_auc is not None
    assert enough.detectable_auc == pytest.approx(Policy().required_auc, abs=0.015)


@pytest.mark.parametrize("shift", [0.8, 0.0])
def test_any_failed_guard_makes_it_inconclusive_whatever_the_p_value(shift: float) -> None:
    guards = [result("passed", "overlap"), result("failed", "blind"), result("failed", "numerics")]
    verdict = decide(membership(shift=shift), guards, Policy(), controlled=True)
    assert (verdict.outcome, verdict.reason, verdict.validity_class) == ("INCONCLUSIVE", "guard:blind", "C")
    assert "numerics" in verdict.sentence
    assert verdict.remediation == "Choose others."


def test_the_level_decides() -> None:
    found = membership(shift=0.15)
    assert 0.002 < found.p_value < 0.3
    words = [
        decide(found, [], Policy(alpha=alpha), controlled=True).outcome
        for alpha in (found.p_value * 1.01, found.p_value * 0.99)
    ]
    assert words[0] == "EVIDENCE"
    assert words[1] != "EVIDENCE"


def test_each_word_has_its_exit_code() -> None:
    assert EXIT_CODES == {"NO EVIDENCE": 0, "EVIDENCE": 1, "INCONCLUSIVE": 3}


def test_evidence_without_a_control_says_so_in_its_sentence_and_headline() -> None:
    separated = membership(shift=0.8)
    bare = decide(separated, [result("passed")], Policy(), controlled=False)
    assert (bare.outcome, bare.grade, bare.headline) == ("EVIDENCE", "no control", "EVIDENCE (no control)")
    assert bare.sentence.endswith(UNCONTROLLED)
    sound = decide(separated, [result("passed")], Policy(), controlled=True)
    assert (sound.outcome, sound.grade, sound.headline) == ("EVIDENCE", "controlled", "EVIDENCE")
    assert UNCONTROLLED not in sound.sentence


@pytest.mark.parametrize("controlled", [True, False])
@pytest.mark.parametrize("shift", [0.8, 0.0])
def test_a_required_control_withholds_evidence_without_one_and_nothing_else(shift: float, controlled: bool) -> None:
    verdict = decide(membership(shift=shift), [result("passed")], Policy(), controlled=controlled)
    required = require_control(verdict)
    if shift and not controlled:
        assert (required.outcome, required.reason) == ("INCONCLUSIVE", "no-control")
        assert "--reference" in required.remediation
    else:
        assert required is verdict
