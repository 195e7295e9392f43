"""What hides, reorders or acts in a name is shown as what it is, in text and in JSON."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from auditor.core.text import escape_json, visible

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202e\u2060\u2066"
    "\u2800\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\U0001bca0\U0001d159\U0001d173\U0001d17a\U000e0001\U000e0020"
    "\U000e007f\U000e0100\U000e01ef"
)
SHOWN_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that are drawn: signs that enclose the digits behind them."""
COMMANDS = [
    "::error::forged",
    "  ::set-output name=x::1",
    "\u00a0::group::x",
    "##[error]x",
    "a ##vso[task.x]b",
    "##x[y",
]


def acts(line: str) -> bool:
    """Whether a CI runner could take a line for a command."""
    return line.strip().startswith("::") or any(f"##{word}[" in line for word in ("", "vso", "x", "teamcity"))


@pytest.mark.long
def test_every_character_that_is_not_drawn_is_shown() -> None:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    characters = set(map(chr, range(sys.maxunicode + 1)))
    unseen = {c for c in characters if unicodedata.category(c) in hidden} - SHOWN_SIGNS | set(INVISIBLE)
    assert [f"{ord(c):04X}" for c in sorted(unseen) if visible(f"a{c}b") != f"a[U+{ord(c):04X}]b"] == []


@pytest.mark.parametrize("name", ["a\u200db", "a\u200cb", "م\u200c\u200cی", "\u200cم", "👩\u200d"])
def test_a_joiner_is_shown_where_nothing_is_joined(name: str) -> None:
    assert "[U+200" in visible(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_name_is_a_command_of_a_runner(name: str) -> None:
    assert acts(name)
    shown = visible(name)
    assert not acts(shown)
    assert visible(shown) == shown
    assert not any(map(acts, visible(f"first\n{name}", keep="\n").split("\n")))


@pytest.mark.parametrize("name", ["std::vector", "a :: b", "# heading [x]", "## [link]", "C##", "12:30"])
def test_names_that_are_no_command_stay_as_they_are(name: str) -> None:
    assert visible(name) == name


@pytest.mark.parametrize("name", [*COMMANDS, *INVISIBLE, "م\u200cی", "\x7f\x85\x9b"])
def test_json_shows_what_a_value_hides_and_has_the_same_value(name: str) -> None:
    written = escape_json(json.dumps({"name": name, "list": [name]}, ensure_ascii=False, indent=1))
    assert json.loads(written) == {"name": name, "list": [name]}
    assert not any(c in written for c in name if c != "\n" and visible(f"a{c}b") != f"a{c}b")
    assert not any(map(acts, written.splitlines()))


def test_an_escape_of_json_is_of_utf_16() -> None:
    assert escape_json('"\U000e0041"') == '"\\udb40\\udc41"'
