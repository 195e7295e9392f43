"""Where nothing may be skipped, a test that is skipped fails, in whichever way it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import no_skips
from support.paths import ROOT

TESTS = {
    "test_here.py": (
        "import pytest\n"
        "@pytest.mark.skipif(True, reason='no disk')\ndef test_marked(): pass\n"
        "def test_called(): pytest.skip('no root')\n"
        "@pytest.fixture\ndef thing(): pytest.skip('no thing')\n"
        "def test_fixture(thing): pass\n"
        "@pytest.mark.xfail\ndef test_known(): assert False\n"
        "def test_sound(): pass\n"
    ),
    "test_whole.py": "import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass\n",
}


@pytest.mark.parametrize("forbidden", [True, False])
def test_a_skip_is_a_failure_where_it_is_asked_for(tmp_path: Path, forbidden: bool) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    environment.pop("AUDITOR_TESTS_NO_SKIPS", None)
    if forbidden:
        environment["AUDITOR_TESTS_NO_SKIPS"] = "1"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "support.no_skips",
            "-p",
            "no:cacheprovider",
            "--continue-on-collection-errors",
            str(tmp_path),
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    counted = {what: int(number) for number, what in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    counted = {what: counted.get(what, 0) for what in ("passed", "failed", "skipped", "xfailed", "error", "errors")}
    if forbidden:
        assert done.returncode != 0
        assert counted["skipped"] == 0
        assert counted["failed"] + counted["error"] + counted["errors"] == 4
        assert "nothing may be skipped here: Skipped: no root" in done.stdout
    else:
        assert done.returncode == 0
        assert counted["skipped"] == 4
    assert (counted["passed"], counted["xfailed"]) == (1, 1)


def test_the_suite_has_it_and_the_workflow_asks_for_it(pytestconfig: pytest.Config) -> None:
    conftest = pytestconfig.pluginmanager.get_plugin(str(ROOT / "tests" / "conftest.py"))
    assert conftest is not None
    assert conftest.pytest_runtest_makereport is no_skips.pytest_runtest_makereport
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "slow.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    assert job["env"]["AUDITOR_TESTS_NO_SKIPS"] == "1"
    scripts = "\n".join(step.get("run", "") for step in job["steps"])
    assert "-m slow" in scripts
    assert "--preserve-env=AUDITOR_TESTS_NO_SKIPS" in scripts
