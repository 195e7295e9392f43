"""Series of checkpoints with every finding there can be, or none that may be absent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.series import build_forget, build_series, free_strings

from auditor.results.forgetting.series import Forgetting
from auditor.results.result import AuditResult


@pytest.fixture(scope="session")
def make_series() -> Callable[..., Forgetting]:
    """The builder of series."""
    return build_series


@pytest.fixture(scope="session")
def make_forget() -> Callable[..., AuditResult]:
    """A builder of results of `forget`, whose verdict is the state of the last checkpoint."""

    return build_forget


@pytest.fixture(scope="session")
def forget(make_forget: Callable[..., AuditResult]) -> AuditResult:
    """A series of five checkpoints with everything measured."""
    return make_forget()


@pytest.fixture(scope="session")
def bare_forget(make_forget: Callable[..., AuditResult]) -> AuditResult:
    """A series of two checkpoints with nothing that may be absent."""
    return make_forget(("A", "F"), placebo=False, general=False, relearn=False, layers=0, tasks=0)


@pytest.fixture(scope="session")
def check_with_series(make: Callable[..., AuditResult]) -> AuditResult:
    """A check that was given checkpoints too."""
    return make("EVIDENCE", groups=12).model_copy(update={"forgetting": build_series()})


@pytest.fixture(scope="session")
def hostile_forget(make_forget: Callable[..., AuditResult], hostile: AuditResult) -> AuditResult:
    """A series with hostile text at the end of every free string, in a result that is hostile too."""
    ending = hostile.name.removeprefix("owl-135m and the night library")
    dumped = build_series(("A", "B", "E", "H")).model_dump(mode="json")
    series = Forgetting.model_validate(free_strings(dumped, lambda text: text + ending))
    return hostile.model_copy(update={"kind": "forget", "forgetting": series})
