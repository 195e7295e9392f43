"""`auditor validate` on configurations that were made to do harm: an exit code, a message, and nothing else."""

from __future__ import annotations

import datetime
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.paths import ROOT

from auditor.cli.main import run

LIMITS = {"deadline": datetime.timedelta(seconds=20), "suppress_health_check": list(HealthCheck), "database": None}
GOOD = (ROOT / "samples" / "AUDITS.yaml").read_text(encoding="utf-8")
TOML = """
name = "samples"
[defaults]
heldout = "heldout"
model = "model"
[[audits]]
name = "planted"
suspect = "suspect"
expect = "evidence"
[[audits]]
name = "forget"
suspect = "suspect"
kind = "forget"
checkpoints = {base = "model", later = "model"}
fail-on = ["state E", "evidence"]
"""

BOMBS = {
    "aliases.yaml": "a: &a [x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12))
    + "audits: *m\n",
    "merges.yaml": "a: &a {x: 1}\n" + "audits:\n  - {" + ", ".join(["<<: *a"] * 2000) + "}\n",
    "nested.yaml": "audits: " + "[" * 5000,
    "nested-blocks.yaml": "".join("  " * depth + "a:\n" for depth in range(600)),
    "nested.toml": "audits = " + "[" * 5000,
    "nested-tables.toml": f"[{'.'.join('a' * 3000)}]\n",
    "python.yaml": "audits: !!python/object/apply:os.mkdir [{marker}]\n",
    "python-new.yaml": "audits: !!python/object/new:os.mkdir [{marker}]\n",
    "python-module.yaml": "audits: !!python/module:antigravity\n",
    "binary.yaml": "audits: !!binary gASV\n",
    "number.yaml": "audits: [{name: a, suspect: s, heldout: h, model: m, seed: " + "9" * 5000 + "}]\n",
    "number.toml": "[[audits]]\nseed = " + "9" * 5000 + "\n",
    "sexagesimal.yaml": "audits: [{seed: " + "1:" * 3000 + "1}]\n",
    "float.yaml": "audits: [{name: a, suspect: s, heldout: h, model: m, alpha: .nan, required-auc: .inf}]\n",
    "names.yaml": "audits: [{name: ../../../etc, suspect: s, heldout: h, model: m}]\n",
    "long.yaml": "audits: [{name: " + "x" * 500_000 + "}]\n",
    "regex.yaml": "audits: [{name: '" + "a" * 20_000 + "!', " + "a" * 50_000 + ": 1}]\n",
    "many.yaml": "audits:\n" + "  - {name: a, suspekt: b}\n" * 20_000,
    "pickle.yaml": "\x80\x04\x95",
    "documents.yaml": "--- 1\n--- 2\n" * 1000,
    "anchors.yaml": "audits: &a [*a]\n",
}


def validated(text: str | bytes, suffix: str, capsys: pytest.CaptureFixture[str] | None = None) -> int:
    """Validate in a folder of its own; the exit code, once it is sure that nothing else came of it."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "here"
        folder.mkdir()
        for name in ("suspect", "heldout", "model"):
            (folder / name).mkdir()
        marker = Path(root) / "marker"
        path = folder / f"audits{suffix}"
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        path.write_bytes(data.replace(b"{marker}", os.fsencode(marker)))
        before = sorted(Path(root).rglob("*"))
        code = run(["validate", str(path)])
        assert sorted(Path(root).rglob("*")) == before
    if capsys is not None:
        said = capsys.readouterr()
        assert "the run broke" not in said.err
        assert "Traceback" not in said.err
        assert all(line.isprintable() for line in (said.out + said.err).splitlines())
        assert len(said.err) < 100_000
    return code


@pytest.mark.long
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert validated(BOMBS[name], Path(name).suffix, capsys) == 2


_PIECES = [
    *("{", "}", "[", "]", ": ", "- ", "\n", "\n    ", "#", "&a ", "*a", "<<: ", "!!python/name:os.system ", "'"),
    *("model: ../../..", "suspect: /dev/zero", "heldout: hf:x/y", "checkpoints:", "fail-on: []", "kind: forget"),
]
_SPANS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(_PIECES),
        ),
    ),
    min_size=1,
    max_size=4,
)


def spoiled(good: str, spans: list[tuple[float, int, str]]) -> str:
    for share, length, piece in spans:
        at = int(share * len(good))
        good = good[:at] + piece + good[at + length :]
    return good


@settings(max_examples=40, **LIMITS)
@given(_SPANS)
def test_a_sound_configuration_spoiled(spans: list[tuple[float, int, str]]) -> None:
    for good, suffix in ((GOOD, ".yaml"), (TOML, ".toml")):
        assert validated(spoiled(good, spans), suffix) in (0, 2)


@pytest.mark.slow
@settings(max_examples=500, **LIMITS)
@given(_SPANS)
def test_sound_configurations_spoiled_in_many_ways(spans: list[tuple[float, int, str]]) -> None:
    for good, suffix in ((GOOD, ".yaml"), (TOML, ".toml")):
        assert validated(spoiled(good, spans), suffix) in (0, 2)
