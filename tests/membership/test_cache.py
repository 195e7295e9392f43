"""What audits share changes no figure, and is not shared where anything differs that it is made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.texts import WORDS

from auditor.audit.run import run_audit
from auditor.membership.cache import CorpusCache
from auditor.results.policy import Policy
from auditor.settings import AuditSettings, make_options, make_settings


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path) -> AuditSettings:
    folder, rng = tmp_path_factory.mktemp("shared"), np.random.default_rng(0)
    for side in ("suspect", "heldout"):
        (folder / side).mkdir()
        for number in range(24):
            (folder / side / f"{number}.txt").write_text(" ".join(rng.choice(WORDS, size=25)), encoding="utf-8")
    return make_settings(
        suspect=str(folder / "suspect"),
        heldout=str(folder / "heldout"),
        model=str(tiny_model_dir),
        features="single-pass",
        permutations=499,
    )


class Counted(CorpusCache):
    """Counts what is not shared."""

    @property
    def sizes(self) -> tuple[int, ...]:
        return len(self._corpora), *map(self.answers.count, ("texts", "text", "guards"))


def test_what_is_shared_changes_no_figure(asked: AuditSettings, tmp_path: Path) -> None:
    options = make_options(cache_dir=str(tmp_path))
    shared = Counted()
    alone = run_audit(asked, options)
    first, second = (run_audit(asked, options, cache=shared) for _ in range(2))
    kept = {"manifest", "content_sha256"}
    assert first.model_dump(exclude=kept) == second.model_dump(exclude=kept) == alone.model_dump(exclude=kept)
    assert shared.sizes == (2, 1, 1, 1)

    stricter = asked.model_copy(update={"policy": Policy(alpha=0.02)})
    within, apart = run_audit(stricter, options, cache=shared), run_audit(stricter, options)
    assert within.model_dump(exclude=kept) == apart.model_dump(exclude=kept)
    assert within.thresholds.alpha == 0.02
    # The level of the verdict is nothing to the text, but may be to a guard.
    assert shared.sizes == (2, 1, 1, 2)

    for change, sizes in (
        ({"policy": Policy(blind_alpha=0.03)}, (2, 1, 2, 3)),
        ({"permutations": 599}, (2, 1, 3, 4)),
        ({"seed": 4}, (2, 1, 4, 5)),
        ({"limit": 20}, (4, 2, 5, 6)),
    ):
        other = asked.model_copy(update=change)
        within, apart = run_audit(other, options, cache=shared), run_audit(other, options)
        assert within.model_dump(exclude=kept) == apart.model_dump(exclude=kept)
        assert shared.sizes == sizes


def test_corpora_are_let_go_of_where_there_are_too_many(asked: AuditSettings) -> None:
    shared = Counted(most_characters=5000)
    first = shared.corpus(asked.suspect, asked)
    assert shared.corpus(asked.suspect, asked) is first
    shared.corpus(asked.heldout, asked)
    assert shared.sizes[0] == 1
    again = shared.corpus(asked.suspect, asked)
    assert again is not first
    assert again == first
