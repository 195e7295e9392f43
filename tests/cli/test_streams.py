"""Where things are said: the result on stdout, all else on stderr, and nothing that acts on a terminal."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.results import HOSTILE, build
from support.texts import WORDS

from auditor.cli.main import run
from auditor.report.renderer import write_outputs
from auditor.results.io import load_result

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
COMMAND = [sys.executable, "-m", "auditor.cli.main"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "result.json"
    write_outputs(build("EVIDENCE").model_copy(update={"name": HOSTILE}), [path])
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("texts")
    for shift, side in enumerate(("suspect", "heldout")):
        rows = [{"text": " ".join(WORDS[(7 * n + 3 * k + shift) % 17] for k in range(20 + n))} for n in range(40)]
        (folder / f"{side}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder / "suspect.jsonl", folder / "heldout.jsonl"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def check(tiny_model_dir: Path, texts: tuple[Path, Path], cache: Path) -> Callable[..., int]:
    """The same audit, whose texts are scored once for all tests here."""

    def check(*options: str) -> int:
        given = ["--model", str(tiny_model_dir), "--cache-dir", str(cache), "--permutations", "199"]
        return run(["check", *map(str, texts), *given, *options])

    return check


def test_the_result_goes_to_stdout_and_all_else_to_stderr(
    check: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check("-o", str(tmp_path / "r.json"))
    loud = capsys.readouterr()
    assert loud.out.startswith(load_result(tmp_path / "r.json").verdict.outcome)
    assert "wrote" in loud.err
    assert "wrote" not in loud.out
    assert not CONTROL.search(loud.out + loud.err)

    check("-q", "-o", str(tmp_path / "r.json"))
    quiet = capsys.readouterr()
    assert quiet.out == loud.out
    assert quiet.err == ""


def test_verbose_says_what_is_read_loaded_and_found(
    check: Callable[..., int], tiny_model_dir: Path, texts: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    check("--max-tokens", "16", "-v")
    first = capsys.readouterr().err
    assert f"read 40 documents from {texts[0]}" in first
    assert f"loading {tiny_model_dir}" in first
    assert re.search(r"^\[ +\d+\.\d s\] 0 of \d+ records are in the store$", first, flags=re.MULTILINE)
    check("--max-tokens", "16", "-v")
    second = capsys.readouterr().err
    assert "loading" not in second
    found = re.search(r"(\d+) of (\d+) records are in the store", second)
    assert found is not None
    assert found[1] == found[2]
    check("--max-tokens", "16")
    assert "documents from" not in capsys.readouterr().err


def test_a_dash_is_one_json_document_on_stdout(
    check: Callable[..., int], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    code = check("-o", "-", "-o", str(tmp_path / "r.json"), "-v")
    told = capsysbinary.readouterr()
    assert told.out == (tmp_path / "r.json").read_bytes()
    result = json.loads(told.out)
    assert f"{result['verdict']['outcome']}:".encode() in told.err
    assert code == load_result(tmp_path / "r.json").exit_code
    check("-o", "-", "-q")
    told = capsysbinary.readouterr()
    assert json.loads(told.out)["verdict"] == result["verdict"]
    assert told.err == b""


def test_a_dash_is_given_once(check: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert check("-o", "-", "-o", "-") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "twice" in told.err


def test_the_command_that_reproduces_an_audit_has_what_the_environment_gave(
    check: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_SEED", "5")
    monkeypatch.setenv("AUDITOR_PROCEDURE", "llm-di")
    monkeypatch.setenv("AUDITOR_OUTPUT", f"'{tmp_path / 'a b.json'}' '{tmp_path / 'c.md'}'")
    monkeypatch.setenv("AUDITOR_QUIET", "1")
    check()
    assert (tmp_path / "c.md").is_file()
    result = load_result(tmp_path / "a b.json")
    assert result.manifest.seed == 5
    assert "--seed 5" in result.manifest.command
    assert "--procedure llm-di" in result.manifest.command
    assert "quiet" not in result.manifest.command
    assert "a b.json" not in result.manifest.command


def test_python_takes_nothing_from_the_environment(
    tiny_model_dir: Path, texts: tuple[Path, Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auditor import check

    monkeypatch.setenv("AUDITOR_SEED", "5")
    monkeypatch.setenv("AUDITOR_DEVICE", "nonsense")
    monkeypatch.setenv("AUDITOR_FAIL_ON", "nonsense")
    result = check(*texts, model=tiny_model_dir, cache_dir=cache, permutations=199)
    assert result.manifest.seed == 0
    assert result.gate.fail_on == ("evidence", "inconclusive")


def report(*arguments: object, **how: object) -> subprocess.CompletedProcess[bytes]:
    """Run `auditor report` in a process of its own, which imports no torch."""
    environment = {**os.environ, **dict(how.pop("env", {}))}  # type: ignore[call-overload]
    asked = [*COMMAND, "report", *map(str, arguments)]
    return subprocess.run(asked, env=environment, check=False, **{"capture_output": True, **how})  # type: ignore[call-overload,no-any-return]


def test_a_report_without_output_is_printed(stored: Path) -> None:
    printed = report(stored)
    assert printed.returncode == 0
    assert printed.stdout.startswith(b"EVIDENCE:")
    assert printed.stderr == b""
    assert not CONTROL.search(printed.stdout.decode())


@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_a_report_is_printed_in_any_format(form: str, stored: Path, tmp_path: Path) -> None:
    extension = {"json": "json", "markdown": "md", "html": "html"}[form]
    write_outputs(load_result(stored), [tmp_path / f"r.{extension}"])
    # Also where the locale knows no letters beyond ASCII.
    printed = report(stored, "--format", form, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert printed.stdout == (tmp_path / f"r.{extension}").read_bytes()
    assert printed.stderr == b""


def test_text_shows_what_the_encoding_of_stdout_lacks_as_escapes(stored: Path) -> None:
    printed = report(stored, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert printed.returncode == 0
    assert b"\\u" in printed.stdout
    assert printed.stdout.isascii()


def test_a_dash_and_a_format_contradict_each_other(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(stored), "-o", "-", "--format", "markdown"]) == 2
    assert run(["report", str(stored), "--format", "pdf"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "markdown" in told.err
    assert run(["report", str(stored), "-o", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["outcome"] == "EVIDENCE"


def test_a_reader_that_goes_away_is_no_traceback(stored: Path) -> None:
    # `true` is gone long before Python has started.
    script = f'{sys.executable} -m auditor.cli.main report "$0" | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", script, str(stored)], capture_output=True, text=True, check=True)
    assert done.stdout == "4\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout_is_an_error_and_a_full_stderr_is_not(stored: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        printed = report(stored, stdout=full, stderr=subprocess.PIPE, capture_output=False)
        assert printed.returncode == 4
        assert printed.stderr.decode().strip() == "auditor: cannot write to stdout: No space left on device"
        output = tmp_path / "r.md"
        printed = report(stored, "-o", output, stderr=full, stdout=subprocess.PIPE, capture_output=False)
        assert printed.returncode == 0
        assert output.stat().st_size > 500


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_closed_streams_break_nothing(closed: tuple[int, ...], stored: Path, tmp_path: Path) -> None:
    shut = " ".join(f"{number}>&-" for number in closed)
    output = tmp_path / "r.json"
    script = f'{sys.executable} -m auditor.cli.main report "$0" -o "$1" {shut}'
    done = subprocess.run(["bash", "-c", script, str(stored), str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert output.read_bytes() == stored.read_bytes()
    assert "Traceback" not in done.stderr


def test_a_closed_stdout_cannot_take_json(stored: Path) -> None:
    script = f'{sys.executable} -m auditor.cli.main report "$0" -o - >&-'
    done = subprocess.run(["bash", "-c", script, str(stored)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "stdout" in done.stderr


def on_a_terminal(arguments: list[str], **variables: str) -> str:
    """What a command writes where all its streams are a terminal."""
    import pty

    leader, follower = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        arguments, stdin=follower, stdout=follower, stderr=follower, env={**environment, **variables}
    )
    os.close(follower)
    said = b""
    while process.poll() is None or select.select([leader], [], [], 0.1)[0]:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                said += os.read(leader, 65536)
            except OSError:
                break
    process.wait(timeout=30)
    os.close(leader)
    return said.decode()


PROGRESS = (
    "import time\n"
    "from auditor.cli.progress import make_progress\n"
    "with make_progress() as progress:\n"
    "    progress.start(100, 'model')\n"
    "    progress.advance(50)\n"
    "    time.sleep(0.3)\n"
    "    progress.stop()\n"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-9]|9[0-7]|4[0-8])[0-9;]*m")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize("variables", [{"TERM": "xterm-256color", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_result_has_no_control_characters_on_a_terminal_either(variables: dict[str, str], stored: Path) -> None:
    said = on_a_terminal([*COMMAND, "report", str(stored)], **variables)
    assert said.startswith("EVIDENCE:")
    assert not CONTROL.search(said.replace("\r\n", "\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_progress_on_a_terminal_heeds_no_color_and_dumb_terminals() -> None:
    script = [sys.executable, "-c", PROGRESS]
    lively = on_a_terminal(script, TERM="xterm-256color")
    assert COLOUR.search(lively)
    assert not COLOUR.search(on_a_terminal(script, TERM="xterm-256color", NO_COLOR="1"))
    # An empty NO_COLOR says nothing (no-color.org).
    assert COLOUR.search(on_a_terminal(script, TERM="xterm-256color", NO_COLOR=""))
    dumb = on_a_terminal(script, TERM="dumb")
    assert "scoring 100 tokens" in dumb
    assert not CONTROL.search(dumb.replace("\r\n", "\n"))


def test_help_and_errors_have_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--help"]) == 0
    assert run(["check", "a", "b", "--model", "c\x1b[31m", "--bogus\x1b[2J"]) == 2
    assert run(["check", "a\x1b]0;title\x07", "b", "--model", "c"]) == 2
    told = capsys.readouterr()
    assert not CONTROL.search(told.out + told.err)


def test_a_pipe_that_breaks_under_click_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    import auditor.results.result

    def broken(**how: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("auditor.cli.main._discard_stdout", lambda: None)
    monkeypatch.setattr(auditor.results.result.AuditResult, "model_json_schema", broken)
    assert run(["schema"]) == 4
