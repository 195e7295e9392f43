"""The bundled samples: their audits are verified, and changed figures are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import SAMPLES

from auditor import check
from auditor.report.json_ import JSON
from auditor.verify.check import verify
from auditor.verify.subject import Subject


@pytest.mark.slow
def test_an_audit_of_the_samples_is_verified_against_their_files(sample_cache: Path) -> None:
    result = check(SAMPLES / "suspect", SAMPLES / "heldout", model=SAMPLES / "model", cache_dir=sample_cache)
    data = {side: str(SAMPLES / side) for side in ("suspect", "heldout")}
    subject = Subject(result, JSON.render(result).encode(), data=data, models={"target": str(SAMPLES / "model")})
    answers = verify(subject)
    assert [name for name, answer in answers.items() if answer.status != "passed"] == ["multiplicity", "rescoring"]
    assert "to the last bit" in answers["figures"].detail


@pytest.mark.slow
def test_every_score_of_an_audit_of_the_samples_that_was_changed_is_named(sample_cache: Path) -> None:
    """Each by a millionth of itself."""
    result = check(SAMPLES / "innocent", SAMPLES / "heldout", model=SAMPLES / "model", cache_dir=sample_cache)
    scores = tuple(one.model_copy(update={"score": one.score * (1 + 1e-6)}) for one in result.group_scores)
    forged = result.model_copy(update={"group_scores": scores})
    found = verify(Subject(forged, JSON.render(forged).encode()))["figures"].differences
    assert {one.path for one in found} == {f"group_scores[{place}].score" for place in range(len(scores))}
