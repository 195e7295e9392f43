"""Settings that are not the default are named first, and an EVIDENCE of thresholds alone is shown for what it is."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path

import numpy as np
import pytest

from auditor.audit.choices import nondefault_settings
from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.audit.provenance import python_call
from auditor.cli.main import run
from auditor.core.digests import canonical_sha256
from auditor.report.renderer import render, write_outputs
from auditor.results.io import with_content_digest
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.settings import AuditSettings, SeriesSettings, make_settings

LAX = {
    "alpha": 0.49,
    "blind_alpha": 0.01,
    "clusters_alpha": 0.01,
    "direction_alpha": 0.49,
    "minimum_groups": 2,
    "excess_level": 0.51,
    "uneven_alpha": 1e-9,
    "required_auc": 0.99,
}


def concluded_with(result: AuditResult, **policy: float) -> AuditResult:
    """The same measurements concluded under other thresholds, with everything made to fit."""
    settings = make_settings(**{**result.manifest.configuration, "policy": policy})
    configuration = settings.model_dump(mode="json")
    manifest = result.manifest.model_copy(
        update={
            "configuration": configuration,
            "configuration_sha256": canonical_sha256(configuration),
            "command": python_call(settings),
        }
    )
    return conclude(inputs_of_result(result.model_copy(update={"manifest": manifest})))


@pytest.fixture(scope="module")
def measured(small: AuditResult) -> AuditResult:
    """Measurements of a weak difference: no document on both sides, a model that reads in order, few groups."""
    kept = small.measurements
    assert kept is not None
    values, directions = kept.features.values, [column.direction for column in kept.features.columns]
    suspect = np.array([[document.side == "suspect"] for document in small.documents])
    table = kept.features.model_copy(update={"values": values + 0.1 * np.array(directions) * np.abs(values) * suspect})
    numerics = {label: dataclasses.replace(one, disordered=0) for label, one in kept.numerics.items()}
    kept = kept.model_copy(update={"features": table, "numerics": numerics, "overlap": ()})
    return small.model_copy(update={"measurements": kept})


@pytest.fixture(scope="module")
def lax(measured: AuditResult) -> AuditResult:
    return concluded_with(measured, **LAX)


def test_lax_thresholds_are_named_before_anything_else_by_verify(
    lax: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lax.verdict.outcome == "EVIDENCE", lax.verdict
    write_outputs(lax, [tmp_path / "r.json"])
    assert run(["verify", str(tmp_path / "r.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    before = " ".join(" ".join(line for line in lines[: _first_check(lines)]).split())
    assert before.startswith(f"SETTINGS The verdict was made with {len(_changed(LAX))} thresholds that are not")
    for name, value in _changed(LAX).items():
        assert f"policy.{name} {value}" in before
    assert (
        "Under the default thresholds these measurements give INCONCLUSIVE (guard:minimums) and not EVIDENCE." in before
    )
    assert lines[-1].startswith("VERIFIED under thresholds that are not the default: ")


def _changed(policy: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in policy.items() if value != Policy.model_fields[name].default}


def _first_check(lines: list[str]) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(("passed", "failed", "not asked")))


@pytest.mark.parametrize("form", ["html", "markdown", "text", "junit"])
def test_every_setting_that_is_not_the_default_stands_in_every_report(form: str, lax: AuditResult) -> None:
    page = " ".join(html.unescape(render(lax, form)).split())
    for choice in lax.manifest.nondefault_settings:
        assert re.search(rf"\b{re.escape(choice.name)} {re.escape(choice.value[:10])}", page), choice
    assert page.index("not the default") < page.index("Caution" if form == "text" else "does not mean")


def test_default_settings_are_not_mentioned(small: AuditResult) -> None:
    plain = AuditSettings(suspect="s", heldout="h", model="m")
    assert nondefault_settings(plain) == ()
    names = [choice.name for choice in small.manifest.nondefault_settings]
    assert names == ["references", "features", "procedures", "permutations", "reveal"]


def test_a_list_of_settings_that_was_shortened_is_found(
    lax: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = lax.manifest.model_copy(update={"nondefault_settings": ()})
    write_outputs(with_content_digest(lax.model_copy(update={"manifest": manifest})), [tmp_path / "r.json"])
    assert run(["verify", str(tmp_path / "r.json")]) == 1
    printed = capsys.readouterr().out
    assert "manifest.nondefault_settings" in printed
    assert printed.startswith("SETTINGS")


def test_every_setting_can_be_named() -> None:
    """A setting of any record, thresholds of a series among them."""
    series = {"checkpoints": (("a", "x"), ("b", "y")), "relearn": True, "policy": {"collapse_ratio": 2.0}}
    policy = {name: value for name, value in LAX.items() if name != "blind_alpha"}
    settings = AuditSettings(
        suspect="s",
        heldout="h",
        model="m",
        seed=3,
        policy=Policy(**policy),
        series=SeriesSettings.model_validate(series),
    )
    named = {choice.name: choice for choice in nondefault_settings(settings)}
    assert named["series.policy.collapse_ratio"].threshold
    assert named["series.relearn"].value == "true"
    assert named["seed"].default == "0"
    assert next(iter(named.values())).threshold
