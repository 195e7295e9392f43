"""Tables, Markdown and terminal of a series."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auditor.report.renderer import render, write_outputs
from auditor.report.series import choose, label, level_words, placebo_alarms, series_of, sets, shared_findings, spread
from auditor.report.tables.table import ReportTable, series_tables
from auditor.results.forgetting.states import STATES, Code
from auditor.results.io import load_result
from auditor.results.result import AuditResult


def built(result: AuditResult) -> dict[str, ReportTable]:
    return {table.name: table.build(result) for table in series_tables()}


def test_tables_match_their_headers(forget: AuditResult, bare_forget: AuditResult, evidence: AuditResult) -> None:
    for result in (forget, bare_forget, evidence):
        for name, table in built(result).items():
            assert all(len(row) == len(table.headers) for row in table.rows), name
    assert all(table.rows for table in built(forget).values())
    assert not any(table.rows for table in built(evidence).values())


def test_a_row_of_gaps(forget: AuditResult) -> None:
    rows = built(forget)["gaps"].rows
    assert [row[:2] for row in rows[:3]] == [("base", "suspect"), ("base", "placebo"), ("step-1", "suspect")]
    assert rows[6] == (
        "step-3",
        "suspect",
        "0.151 (0.102 to 0.200)",
        "0.0001",
        "0.0005",
        "0.483 (0.131 to 0.835)",
        "0.666 (0.596 to 0.736)",
        "0.332 (0.222 to 0.442)",
        "0.367 (0.284 to 0.450)",
    )
    assert rows[0][-1] == "not stated"


def test_losses_name_only_what_was_given(forget: AuditResult, bare_forget: AuditResult) -> None:
    whole, bare = built(forget)["losses"], built(bare_forget)["losses"]
    assert whole.headers[1::2] == ("Suspect", "Held-out", "Placebo", "General")
    assert bare.headers[1::2] == ("Suspect", "Held-out")
    assert bare.rows[0] == ("base", "0.996 (0.935 to 1.057)", "origin", "1.000 (0.949 to 1.051)", "origin")


def test_a_share_is_not_rounded_onto_its_threshold(forget: AuditResult) -> None:
    assert forget.forgetting is not None
    first, second, third, *rest = forget.forgetting.checkpoints
    share = third.suspect.retained
    assert share is not None
    near = third.suspect.model_copy(update={"retained": share.model_copy(update={"value": 0.79996, "low": 0.7})})
    points = (first, second, third.model_copy(update={"suspect": near}), *rest)
    changed = forget.model_copy(update={"forgetting": forget.forgetting.model_copy(update={"checkpoints": points})})
    assert built(changed)["gaps"].rows[4][-1].startswith("0.79996 (0.700 to")


def test_weights_layer_by_layer(forget: AuditResult) -> None:
    table = built(forget)["layer_weights"]
    assert table.headers == ("Layer", "Parameters", "step-1", "step-2", "step-3", "step-4")
    assert table.rows[0] == ("embeddings", "1,000", *["unchanged"] * 4)
    assert table.rows[2][2] == "0.0191 (rank 11.3 of 64)"


def test_measures_stand_under_their_own_names(forget: AuditResult) -> None:
    found = {row[0]: row[2] for row in built(forget)["measures"].rows}
    assert found == {
        "Accuracy (ACC)": "0.712",
        "Learning accuracy (LA)": "0.821",
        "Backward transfer (BWT)": "-0.101",
        "Forward transfer (FWT)": "not stated",
        "Forgetting F": "0.112",
        "Clipped forgetting": "0.124",
    }


def test_movers_bear_the_mark_of_the_memorised_line(forget: AuditResult) -> None:
    rows = built(forget)["largest_changes"].rows
    assert rows[0][:4] == ("document-0.txt", "group-0", "0.000 ●", "0.032")
    assert rows[1][3] == "-0.063 ●"


def test_equal_findings_of_guards_are_told_once(make_forget: Callable[..., AuditResult]) -> None:
    series = make_forget(("A", "H", "B")).forgetting
    assert series is not None
    found = [(one.guard.name, one.guard.status, one.checkpoints) for one in shared_findings(series.checkpoints)]
    assert found == [
        ("blind", "passed", ("base", "step-1", "step-2")),
        ("numerics", "not run", ("base", "step-1", "step-2")),
        ("direction", "passed", ("base", "step-2")),
        ("direction", "failed", ("step-1",)),
    ]


def test_the_placebo_comes_second(forget: AuditResult, bare_forget: AuditResult) -> None:
    assert forget.forgetting is not None
    assert bare_forget.forgetting is not None
    assert [name for name, _ in sets(forget.forgetting.checkpoints[0])] == ["suspect", "placebo"]
    assert [name for name, _ in sets(bare_forget.forgetting.checkpoints[0])] == ["suspect"]


@pytest.mark.parametrize("count", [1, 2, 5, 20, 21, 94, 1000])
def test_a_choice_keeps_the_ends_and_what_it_must(count: int) -> None:
    for limit in (6, 20):
        assert spread(count, limit)[0] == 0
        assert spread(count, limit)[-1] == count - 1
        for keep in {0, count // 3, count - 1}:
            chosen = choose(count, limit, [keep])
            assert {0, keep, count - 1} <= set(chosen)
            assert chosen == sorted(set(chosen))
            assert len(chosen) == min(count, limit)


def test_a_long_series_is_thinned_as_a_whole(make_forget: Callable[..., AuditResult]) -> None:
    result = make_forget(("A",) * 33 + ("B",) + ("D", "F") * 30)
    series = series_of(result)
    assert series is not None
    assert len(series.checkpoints) == 20
    assert series.reference in {checkpoint.name for checkpoint in series.checkpoints}
    assert len(series.change_deciles.suspect) == len(series.largest_changes[0].moves) == 20
    assert series.tasks is not None
    models = {point.model for point in series.tasks.points}
    assert models == {"untrained", *(checkpoint.name for checkpoint in series.checkpoints)}


def test_names_that_come_again_are_short() -> None:
    assert len(label("x" * 500)) == 40
    assert label("a\nb") == "a[U+000A]b"


def test_tones() -> None:
    codes: tuple[Code, ...] = ("A", "B", "C", "D", "E", "F", "G", "H", "W")
    assert [STATES[code].tone for code in codes] == ["none", *["trace"] * 4, "none", "trace", "open", "open"]


@pytest.mark.long
def test_a_placebo_that_stands_out_is_an_alarm_in_every_format(forget: AuditResult, bare_forget: AuditResult) -> None:
    assert placebo_alarms(forget) == placebo_alarms(bare_forget) == []
    assert forget.forgetting is not None
    first, second, *rest = forget.forgetting.checkpoints
    assert second.placebo is not None
    moved = second.placebo.model_copy(update={"did_p_adjusted": 0.05, "gap_p_adjusted": 0.0501})
    points = (first, second.model_copy(update={"placebo": moved, "placebo_p_adjusted": 0.0031}), *rest)
    series = forget.forgetting.model_copy(update={"checkpoints": points})
    changed = forget.model_copy(update={"forgetting": series})
    (alarm,) = placebo_alarms(changed)
    assert alarm.startswith("At step-1 the placebo set differs from the held-out set too, by the engine (p = 0.0031), ")
    assert "by its change (p = 0.0500)" in alarm
    assert "by its gap" not in alarm
    for name in ("markdown", "text", "html"):
        assert "At step-1 the placebo set differs from" in " ".join(render(changed, name).split())


def test_level_words(forget: AuditResult, evidence: AuditResult) -> None:
    assert level_words(forget) == "0.8452 over all checkpoints (Holm), above the level of 0.05"
    assert level_words(evidence) == "at or below the level of 0.05"


def test_markdown_tells_each_state_with_its_figures(forget: AuditResult) -> None:
    written = render(forget, "markdown")
    assert written.index("### States of 5 checkpoints") < written.index("### Guards")
    assert (
        "| step-3 | **D** fading | 0.151 (0.102 to 0.200) | 0.666 (0.596 to 0.736) | 0.367 (0.284 to 0.450) | 0.0005 "
        "| not tested |"
    ) in written
    assert "by relearn-half and quantise" in written
    for code in "ABCDE":
        assert STATES[code].not_means in written
    assert "The last checkpoint, step-4, alone:" in written


def test_markdown_of_hostile_names_is_bounded_and_makes_no_elements(hostile_forget: AuditResult) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    written = render(hostile_forget, "markdown")
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(written)
    assert "<script" not in html
    assert "<img" not in html
    assert "<a " not in html


def test_markdown_of_a_long_series_stays_within_the_limit(make_forget: Callable[..., AuditResult]) -> None:
    written = render(make_forget(tuple("ABCDEF" * 20)), "markdown")
    assert len(written.encode()) < 100_000
    assert "States of 20 checkpoints (100 more in the JSON result)" in written


def test_the_terminal_tells_each_state_on_lines_that_fit(make_forget: Callable[..., AuditResult]) -> None:
    result = make_forget(tuple("HWABCDEFG"))
    written = render(result, "text")
    lines = written.splitlines()
    assert max(map(len, lines)) <= 100
    assert written.isascii()
    assert "  D step-5  fading; gap 0.151 (0.102 to 0.200) bits per byte, AUC 0.666, p (Holm) 0.0005" in lines
    joined = " ".join(written.split())
    assert "Give about 400 documents to base." in joined
    assert "0.8452 over all checkpoints (Holm)" in joined
    assert written.index("States") < written.index("Effect")


def test_no_control_code_reaches_the_terminal(hostile_forget: AuditResult) -> None:
    written = render(hostile_forget, "text")
    assert not [c for c in written if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e"]


def test_formats_without_a_series_are_silent(evidence: AuditResult) -> None:
    for name in ("markdown", "text"):
        assert "States" not in render(evidence, name)


def test_a_series_comes_back_from_json(forget: AuditResult, tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "r.json"
    write_outputs(forget, [path])
    assert load_result(path) == forget
