from __future__ import annotations

from auditor.report.terminal import summary
from auditor.results.result import AuditResult


def test_the_summary_holds_the_three_numbers_and_every_guard(evidence: AuditResult) -> None:
    written = summary(evidence)
    main = evidence.membership
    assert written.startswith("EVIDENCE: ")
    assert f"AUC {main.auc:.3f}" in written
    assert f"{main.auc_interval.low:.3f} to {main.auc_interval.high:.3f}" in written
    assert "60 suspect, 60 held-out" in written
    for guard in evidence.guards:
        assert [line for line in written.splitlines() if line.startswith(f"  {guard.status:<8} {guard.name}")]


def test_lines_fit(evidence: AuditResult) -> None:
    assert max(map(len, summary(evidence).splitlines())) <= 100


def test_the_tools_own_marks_are_ascii(evidence: AuditResult) -> None:
    assert summary(evidence).isascii()


def test_no_control_code_reaches_the_terminal(hostile: AuditResult) -> None:
    written = summary(hostile)
    assert not [c for c in written if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e"]
    assert "[U+001B][31mred[U+001B][0m" in written


def test_absent_figures_are_said_to_be_absent(sparse: AuditResult) -> None:
    written = summary(sparse)
    assert "power: not stated" in " ".join(written.split())
    assert "Over text" not in written
