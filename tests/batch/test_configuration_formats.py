"""Both formats keep the line of every value, and what could be read in two ways is refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from support.configuration import faults

from auditor.batch.config import yaml_file
from auditor.batch.config.nodes import Faults, Node, find, plain
from auditor.batch.config.reading import read_text
from auditor.core.errors import UsageError

SUFFIXES = {"YAML": ".yaml", "TOML": ".toml"}


def tree(text: str, form: str = "YAML") -> Node:
    found = Faults()
    node = read_text(text, SUFFIXES[form], found)
    found.raise_any("FILE")
    assert node is not None
    return node


def refused(text: str, form: str = "YAML") -> str:
    found = Faults()
    read_text(text, SUFFIXES[form], found)
    with pytest.raises(UsageError) as caught:
        found.raise_any("FILE")
    return str(caught.value)


def lines(node: Node) -> Any:
    """Every value replaced by its line."""
    if isinstance(node.value, dict):
        return {key: (child.line, lines(child)) if _deeper(child) else child.line for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [(child.line, lines(child)) if _deeper(child) else child.line for child in node.value]
    return node.line


def _deeper(node: Node) -> bool:
    return isinstance(node.value, dict | list)


@pytest.mark.parametrize("pure", [False, True])
def test_yaml_keeps_lines_with_either_parser(pure: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_file, "_PURE", pure)
    text = (
        "# comment\n"
        "name: >\n"
        "  folded\n"
        "  text\n"
        "defaults: {seed: 1,\n"
        "  alpha: 1e-3}\n"
        "audits:\n"
        "- name: |\n"
        "    a\n"
        "  references:\n"
        "    - x\n"
        "\n"
        "    - 'y\n"
        "      z'\n"
        "  policy:\n"
        "    power: .9\n"
        "-\n"
        "  name: b\n"
    )
    node = tree(text)
    assert lines(node) == {
        "name": 2,
        "defaults": (5, {"seed": 5, "alpha": 6}),
        "audits": (
            7,
            [(8, {"name": 8, "references": (10, [11, 13]), "policy": (15, {"power": 16})}), (18, {"name": 18})],
        ),
    }
    assert plain(node) == {
        "name": "folded text\n",
        "defaults": {"seed": 1, "alpha": 0.001},
        "audits": ({"name": "a\n", "references": ("x", "y z"), "policy": {"power": 0.9}}, {"name": "b"}),
    }


def test_toml_keeps_lines() -> None:
    text = (
        "# [not.a.table]\n"
        'name = "a # [b]"\n'
        '"quoted key" = 1\n'
        "[defaults]\n"
        "long = '''\n"
        "[audits]\n"
        "x = 1'''''\n"
        'other = """\\"""\n'
        '= 2 \\\n  """\n'
        "seed = 1\n"
        "policy.alpha = 1e-3\n"
        "policy . 'power' = 0.9\n"
        "\n"
        "[[audits]] # one\n"
        'name = "one"\n'
        "references = [\n"
        '  "x", # first ]\n'
        "  'y',\n"
        "]\n"
        'tasks = { a = "x", "b.c" = "y" }\n'
        "[audits.checkpoints]\n"
        "base = 'b'\n"
        "\n"
        "[[audits]]\n"
        "policy = {alpha = 0.1}\n"
        "[audits.forgetting-policy]\n"
        "equivalence-d = +1_0.5\n"
    )
    node = tree(text, "TOML")
    assert lines(node) == {
        "name": 2,
        "quoted key": 3,
        "defaults": (4, {"long": 5, "other": 8, "seed": 11, "policy": (12, {"alpha": 12, "power": 13})}),
        "audits": (
            15,
            [
                (
                    15,
                    {
                        "name": 16,
                        "references": (17, [18, 19]),
                        "tasks": (21, {"a": 21, "b.c": 21}),
                        "checkpoints": (22, {"base": 23}),
                    },
                ),
                (25, {"policy": (26, {"alpha": 26}), "forgetting-policy": (27, {"equivalence-d": 28})}),
            ],
        ),
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3", 3),
        ("-3", -3),
        ("1e4", 10000),
        ("2.0", 2),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("no-evidence", "no-evidence"),
        ("'no'", "no"),
        ('"3"', "3"),
        ("hf:org/data:train", "hf:org/data:train"),
        ("v1.2.3", "v1.2.3"),
        ("a b", "a b"),
        ("y", "y"),
        ("!", ""),
    ],
)
def test_plain_values_of_yaml(written: str, meant: object) -> None:
    if written == "!":
        assert "the tag ! is not read" in refused(f"key: {written}")
        return
    value = plain(tree(f"key: {written}"))["key"]
    assert value == meant
    assert type(value) is type(meant)


_DISPUTED = "no yes on off No OFF 010 0o17 0x1f 1_000 1:30 190:20:30 2024-01-01 08 0b11 = 2001-12-14t21:59:43.10-05:00"


@pytest.mark.parametrize("written", _DISPUTED.split())
def test_what_the_versions_of_yaml_read_differently_is_refused(written: str) -> None:
    said = refused(f"a: x\nkey: {written}")
    assert said.startswith(f"FILE:2: {written!r} means one thing in YAML 1.1 and another in 1.2. Put it in quotes")
    assert ("write true or false" in said) == written.isalpha()
    assert plain(tree(f"key: '{written}'")) == {"key": written}


def test_a_plain_no_where_text_is_expected_is_to_be_quoted(tmp_path: Path) -> None:
    (said,) = faults(tmp_path, "audits:\n- name: no\n  suspect: hf:a/b\n  heldout: hf:a/c\n  model: org/name\n")
    assert said.startswith("2: 'no' means one thing")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", "FILE:3: the key 'a' stands at line 1 already"),
        ("a: 1\n'a': 3\n", "FILE:2: the key 'a' stands at line 1 already"),
        ("1: a\n", "FILE:1: the key 1 is no text. Put it in quotes."),
        ("on: a\n", "FILE:1: the key on is no text. Put it in quotes."),
        ("? [a]\n: b\n", "FILE:1: a key has to be text"),
        ("a: &a b\n*a : c\n", "FILE:2: a key has to be text"),
        ("a: !!python/object:os.system x\n", "FILE:1: the tag tag:yaml.org,2002:python/object:os.system is not read"),
        ("a: !!set {x, y}\n", "FILE:1: the tag tag:yaml.org,2002:set is not read"),
        ("a: &a [*a]\n", "FILE:1: *a refers to what it stands in"),
        ("a: *b\n", "FILE:1: *b refers to an anchor that is not above"),
        ("a: 1\n---\nb: 2\n", "FILE:2: a second document; a batch is one"),
        ("a: .inf\n", "FILE:1: not a finite number"),
        ("a: 1e999\n", "FILE:1: not a finite number"),
        ("a: 99999999999999999999\n", "FILE:1: a number of more than 64 bits"),
        (f"a: {'9' * 5000}\n", "FILE:1: a number of more than 64 bits"),
        ("a: 1\nb: [1, 2\n", "FILE:3: this is not YAML"),
        ("a: 1\nb:\n\t- x\n", "FILE:3: this is not YAML"),
        ("a: b: c\n", "FILE:1: this is not YAML"),
        ("a: 1\nb: {<<: 3}\n", "FILE:2: << takes a mapping or a list of mappings"),
    ],
)
def test_what_yaml_allows_and_a_configuration_does_not(text: str, what: str) -> None:
    assert refused(text).splitlines()[0].startswith(what)


def test_anchors_and_merge_keys_are_read_at_the_line_where_they_are_used() -> None:
    node = tree("a: &a\n  x: 1\n  y: 2\nb: *a\nc:\n  y: 3\n  <<: *a\nd: {<<: [{y: 5}, *a], z: 6}\n")
    assert plain(node) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"y": 3, "x": 1},
        "d": {"z": 6, "y": 5, "x": 1},
    }
    assert (find(node, ["b"]).line, find(node, ["c", "y"]).line, find(node, ["c", "x"]).line) == (4, 6, 2)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a = 1\na = 2\n", "FILE:2: this is not TOML: Cannot overwrite a value"),
        ("a = 1\nb = \n", "FILE:2: this is not TOML: Invalid value"),
        ('a = 1\nb = """\n', "FILE:3: this is not TOML"),
        ("a = 1\nb = 2024-01-01\n", "FILE:2: a date or a time, where none is allowed. Put it in quotes."),
        ("b = [1,\n inf]\n", "FILE:2: not a finite number"),
        ("a = 1\nb = nan\n", "FILE:2: not a finite number"),
        ("a = 1\nb = 99999999999999999999\n", "FILE:2: a number of more than 64 bits"),
        (f"a = 1\nb = {'9' * 5000}\nc = 1\n", "FILE:2: this is not TOML"),
        (f"a = 1\nb = 0x{'9' * 5000}\nc = 1\n", "FILE:2: a number of more than 64 bits"),
    ],
)
def test_what_toml_allows_and_a_configuration_does_not(text: str, what: str) -> None:
    assert refused(text, "TOML").startswith(what)


_LEVELS = "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
_CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(3000))


@pytest.mark.parametrize(
    ("text", "form", "what"),
    [
        ("a: &a [x, x]\n" + _LEVELS, "YAML", "more than 200000 values"),
        ("a: &a {x: 1}\n" + _LEVELS.replace("[", "{<<: [").replace("]", "]}"), "YAML", None),
        (_CHAIN, "YAML", "nested too deeply"),
        ("a: " + "[" * 200_000, "YAML", "nested too deeply"),
        ("a: " + "{a: " * 100_000, "YAML", "nested too deeply"),
        ("- " * 100_000, "YAML", "nested too deeply"),
        ("a = " + "[" * 200_000, "TOML", "nested too deeply"),
        ("a = " + "[" * 50 + "]" * 50, "TOML", "nested too deeply"),
        ("a = " + "{a = " * 50_000, "TOML", "nested too deeply"),
        ("a." * 100_000 + "a = 1", "TOML", "nested too deeply"),
        ("[" + "a." * 100_000 + "a]", "TOML", "nested too deeply"),
        ('a = """' + '\\"""' * 100_000, "TOML", "this is not TOML"),
        ("a = '''" + "''x" * 100_000, "TOML", "this is not TOML"),
        ("a = " + "'" * 200_000, "TOML", "this is not TOML"),
    ],
    ids=range(14),
)
def test_bombs_are_refused_in_no_time(text: str, form: str, what: str | None) -> None:
    started = time.process_time()
    if what is None:
        tree(text, form)
    else:
        assert what in refused(text, form)
    assert time.process_time() - started < 5
