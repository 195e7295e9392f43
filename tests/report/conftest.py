"""Results and batches for the tests of what is written about them."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from support.results import build, hostile_result, parse_page

from auditor.results.result import AuditResult


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Element]:
    """The reader of pages."""
    return parse_page


@pytest.fixture(scope="session")
def make() -> Callable[..., AuditResult]:
    """The builder."""
    return build


@pytest.fixture(scope="session")
def evidence() -> AuditResult:
    """A sound finding."""
    return build("EVIDENCE")


@pytest.fixture(scope="session")
def hostile() -> AuditResult:
    """A revealed result with hostile text at the end of every free string."""
    return hostile_result()


@pytest.fixture(scope="session")
def sparse() -> AuditResult:
    """Nothing that may be absent is there."""
    full = build("INCONCLUSIVE", groups=4)
    main = full.membership.model_copy(update={"mean_z": None, "detectable_auc": None, "columns": ()})
    return full.model_copy(
        update={
            "membership": main,
            "excess": None,
            "guards": (),
            "controls": {},
            "curve": (),
            "procedures": (),
            "group_scores": (),
            "documents": tuple(
                document.model_copy(update={"score": None, "bits_per_byte": None}) for document in full.documents
            ),
            "limitations": (),
            "manifest": full.manifest.model_copy(
                update={"models": (), "features": (), "packages": {}, "configuration": {}, "texts_scored": 0}
            ),
        }
    )
