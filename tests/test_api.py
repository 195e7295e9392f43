"""The Python API: typed, checked before anything runs, and the same code path as the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import SAMPLES

import auditor
from auditor.api import CheckArguments, PlanTestArguments, SharedArguments
from auditor.dealt.settings import PlanTestSettings
from auditor.settings import CHECK_ONLY, AuditSettings, SeriesSettings


def of_a_series() -> set[str]:
    """The settings of a series, as the keyword arguments call them."""
    return {"forgetting_policy" if name == "policy" else name for name in SeriesSettings.model_fields}


def test_the_typed_options_are_the_settings() -> None:
    own = {"kind", "suspect", "heldout", "model", "references", "series"}
    assert set(CheckArguments.__annotations__) - of_a_series() == set(AuditSettings.model_fields) - own
    assert set(SharedArguments.__annotations__) - of_a_series() == set(AuditSettings.model_fields) - own - {*CHECK_ONLY}


def test_the_typed_options_of_a_test_of_dealt_material_are_its_settings() -> None:
    assert {*PlanTestArguments.__annotations__, "model", "plan", "references"} == set(PlanTestSettings.model_fields)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"group_colum": "author"}, "group_column"),
        ({"permutations": 3}, "permutations"),
        ({"dtype": "float8"}, "dtype"),
        ({"seed": -1}, "seed"),
        ({"references": "model"}, "list of references"),
        ({"permutations": 99, "references": ["d", "e"]}, "permutations"),
        ({"name": "\udcff"}, "UTF-8"),
    ],
)
def test_wrong_settings_are_usage_errors(given: dict[str, object], says: str) -> None:
    with pytest.raises(auditor.UsageError) as caught:
        auditor.check("a", "b", model="c", **given)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_check_and_write_outputs(sample_cache: Path, tmp_path: Path) -> None:
    result = auditor.check(
        SAMPLES / "innocent",
        SAMPLES / "heldout",
        model=SAMPLES / "model",
        cache_dir=sample_cache,
        name="mine",
        limit=60,
    )
    assert result.name == "mine"
    assert result.suspect.documents == 60
    auditor.write_outputs(result, [str(tmp_path / "r.json")])
    assert auditor.load_result(str(tmp_path / "r.json")) == result
    assert result.manifest.command.startswith("auditor.check(")
    assert "limit=60" in result.manifest.command


def test_the_typed_options_of_a_series_are_its_settings() -> None:
    audit = set(AuditSettings.model_fields)
    assert set(CheckArguments.__annotations__) - audit == of_a_series()
    assert set(SharedArguments.__annotations__) - audit == of_a_series() - {"checkpoints"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"relearn": True}, "needs a series"),
        ({"checkpoints": {"base": "c"}}, "two checkpoints"),
        ({"checkpoints": {"base": "c", "later": "d"}, "label_template": "{label} {text}"}, "template"),
        ({"checkpoints": {"base": "c", "": "d"}}, "name and a source"),
        ({"checkpoints": {"base": "c", "later": "d"}, "permutations": 150}, "permutations"),
    ],
)
def test_wrong_series_are_usage_errors(given: dict[str, object], says: str) -> None:
    with pytest.raises(auditor.UsageError) as caught:
        auditor.check("a", "b", model="c", **given)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import sys, auditor; assert not {'torch', 'numpy', 'pydantic', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert set(auditor.__all__) >= {"check", "AuditResult", "UsageError"}
    assert all(hasattr(auditor, name) for name in auditor.__all__)
