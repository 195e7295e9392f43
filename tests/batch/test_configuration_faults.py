"""Whatever is wrong with a configuration is told with its line, all of it at once, before anything is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.configuration import BASE, CHECK, SERIES, SMALLEST, faults, read

from auditor.batch.config import reading
from auditor.batch.read import read_batch
from auditor.core.errors import UsageError


def test_everything_wrong_is_told_at_once_by_line(here: Path) -> None:
    said = faults(
        here,
        "correctoin: holm\n"
        "defaults:\n"
        "  heldout: heldot\n"
        '  seed: "3"\n'
        "audits:\n"
        "  - name: a\n"
        "    suspect: nowhere\n"
        "    refrences: [base]\n"
        "    text_column: body\n"
        "  - name: a\n"
        "    model: modell\n"
        "    limit: 1.5\n"
        "    policy:\n"
        "      alpha: 0.01\n"
        "      alhpa: 0.01\n"
        "  - text\n",
    )
    assert [line.partition(":")[0] for line in said] == "1 3 4 6 7 8 9 10 10 11 12 15 16".split()
    told = "\n".join(said)
    for what in (
        "1: unknown key 'correctoin'. Did you mean correction?",
        "Did you mean heldout?",
        "4: defaults.seed: expected a whole number, found '3'. Leave the quotes out.",
        "6: this audit has no model and no checkpoints",
        "8: unknown key 'refrences'. Did you mean references?",
        "9: unknown key 'text_column'. Did you mean text-column?",
        "10: this audit has no suspect",
        "10: the audit at line 6 is called 'a' too",
        "12: audits.limit: expected a whole number, found 1.5",
        "15: unknown key 'alhpa'. Did you mean alpha?",
        "16: audits: expected a mapping of keys to values, found 'text'",
    ):
        assert what in told


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('relearn: "yes"', "expected true or false, found 'yes'"),
        ('relearn: "true"', "expected true or false, found 'true'. Leave the quotes out."),
        ("relearn: 1", "expected true or false, found 1"),
        ("seed: true", "expected a whole number, found true"),
        ("seed: -1", "audits.seed: must be greater than or equal to 0"),
        ("alpha: true", "expected a number, found true"),
        ("alpha: 0.5", "audits.alpha: must be less than 0.5"),
        ("text-column: 3", "expected text, found 3. Put it in quotes."),
        ("text-column: ~", "expected text, found nothing"),
        ("references: base", "expected a list, found 'base'. Write a list: [base]."),
        ("fail-on: evidence", "expected a list, found 'evidence'. Write a list: [evidence]."),
        ("tasks: [task]", "expected a mapping of names to values, found a list"),
        ("tasks: {t: 3}", "audits.tasks.t: expected text, found 3"),
        ("policy: 0.01", "expected a mapping of keys to values, found 0.01"),
        ("dtype: Float32", "'Float32' is none of auto, float32, bfloat16, float16. Did you mean float32?"),
        ("expect: no_evidence", "Did you mean no-evidence?"),
        ("fail-on: [evidense]", "Did you mean evidence, no-evidence?"),
        ("states: [a]", "Did you mean A?"),
        ("states: []", "audits.states: empty"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(here: Path, said: str, what: str) -> None:
    (line,) = faults(here, f"{SERIES}{said}}}")
    assert line.startswith("3: ")
    assert what in line


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (CHECK + "states: [A]}", "3: 'states' is for a forget only; a check has fail-on"),
        (SERIES + "model: model, states: [A]}", "3: 'states' is for a forget only"),
        (CHECK + "relearn: true}", "3: 'relearn' asks about forgetting, which needs checkpoints"),
        (CHECK + "fail-on: [E]}", "3: fail-on names state E, which needs checkpoints"),
        (SERIES + "references: [base]}", "3: 'references' is not for a forget"),
        (SERIES + "states: [A], expect: any}", "3: states and expect both say what makes the gate red"),
        (SERIES + "states: [A], fail-on: [evidence]}", "3: states and fail-on both say"),
        (CHECK + "expect: evidence, fail-on: [evidence]}", "3: expect: evidence is also what fail-on names"),
        (CHECK + "expect: no-evidence, fail-on: [inconclusive]}", "3: expect: no-evidence, and yet fail-on"),
        (CHECK + "expect: any, fail-on: [evidence]}", "3: expect: any accepts whatever fail-on names"),
        (CHECK + "kind: forget}", "3: a forget needs checkpoints"),
        (SERIES + "kind: check}", "3: a check needs model"),
        (CHECK + "group-column: author, group-by: parent}", "3: --group-column and --group-by parent name two"),
        (CHECK + "features: surpp}", "3: unknown feature 'surpp'"),
        (CHECK + "procedures: [llmdi]}", "3: unknown procedure 'llmdi'. Did you mean llm-di?"),
        (CHECK + "alpha: 0.01, policy: {alpha: 0.02}}", "3: 'alpha' stands in policy too"),
        (CHECK + "alpha: 0.001, permutations: 99}", "3: 99 permutations cannot give a p-value as small as"),
        (SERIES + "label-template: text}", "3: label-template: the template must hold {text} once"),
        (BASE + "- {name: a, checkpoints: {base: base}}", "3: checkpoints: a series needs at least two checkpoints"),
        (SERIES + "tasks: {' ': task}}", "3: tasks: every task needs a name and a source"),
        (
            "defaults: {suspect: suspect, heldout: heldout, model: model}\naudits:\n"
            "- {name: a,\n   checkpoints: {base: base, later: later}}",
            "4: checkpoints here and model in the defaults: it is not clear what is asked",
        ),
        (
            "defaults: {suspect: suspect, heldout: heldout,\n relearn: true}\naudits:\n- {name: a, model: model}",
            "2: the default 'relearn' is for none of these audits",
        ),
    ],
)
def test_contradictions_are_errors(here: Path, text: str, what: str) -> None:
    (line,) = faults(here, text)
    assert line.startswith(what)


def test_one_bound_on_the_share_of_false_ones_needs_one_level(here: Path) -> None:
    audits = BASE + "- {name: a, model: model, alpha: 0.02}\n- {name: b, model: model}\n- {name: c, model: model}\n"
    (line,) = faults(here, "\ncorrection: benjamini-hochberg\n" + audits)
    assert line == (
        "2: correction: benjamini-hochberg needs one alpha for all audits; 'b' has 0.01, 'a' has 0.02. "
        "Give all audits one alpha, or use holm."
    )
    assert read(here, "correction: holm\n" + audits).correction == "holm"
    assert read(here, "correction: benjamini-hochberg\n" + audits.replace(", alpha: 0.02", "")).audits


def test_what_is_wrong_with_one_key_is_told_beside_what_is_wrong_with_another(here: Path) -> None:
    said = faults(
        here,
        "defaults:\n"
        "  suspect: suspect\n"
        "  label-template: text\n"
        "audits:\n"
        "- name: a\n"
        "  heldout: heldout\n"
        "  modle: model\n"
        "  features: surpp\n"
        "  procedures: [llmdi]\n"
        "  device: tpu\n"
        "  checkpoints: {base: base}\n",
    )
    assert [line.partition(":")[0] for line in said] == "3 7 8 9 10 11".split()
    for line, what in zip(said, ("{text}", "modle", "surpp", "llmdi", "tpu", "at least two"), strict=True):
        assert what in line


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:x", "CPU", "", "cpu:0"])
def test_a_device_that_is_none_is_told(here: Path, device: str) -> None:
    (line,) = faults(here, f"{CHECK}device: '{device}'}}")
    assert line == f"3: device: unknown device {device!r}; use auto, cpu, cuda, cuda:N or mps"


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:3"])
def test_a_device_that_is_not_here_may_be_where_the_batch_is_run(here: Path, device: str) -> None:
    assert read(here, f"{CHECK}device: '{device}'}}").audits[0].settings.device == device


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BASE + "- name: a\n  model: model\n  heldout: ./heldout/../suspect", "5: suspect and heldout are both"),
        (BASE + "- name: a\n  model: model\n  suspect: heldout/", "5: suspect and heldout are both"),
        ("defaults: {suspect: suspect, heldout: link}\naudits:\n- {name: a, model: model}", "3: suspect and heldout"),
        (
            BASE.replace("suspect: suspect, heldout: heldout", "suspect: 'hf:a', heldout: 'hf:a'") + "- {name: a,\n"
            "   model: model}",
            "3: suspect and heldout are both 'hf:a'",
        ),
        (SERIES + "\n  placebo: heldout}", "4: heldout and placebo are both"),
        (SERIES + "placebo: placebo,\n  general: placebo}", "4: placebo and general are both"),
    ],
)
def test_two_sets_that_are_one_are_told(here: Path, text: str, what: str) -> None:
    (here / "link").symlink_to("suspect")
    (line,) = faults(here, text)
    assert line.startswith(what)


def adapter(folder: Path) -> None:
    """Put down an adapter."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "../base"}', encoding="utf-8")


def test_features_of_a_reference_need_one(here: Path) -> None:
    for model in ("model", "org/name", "untrained:model"):
        (line,) = faults(
            here, f"{CHECK.replace('model: model', f'model: {model!r}')}\n  features: 'surp,reference-gap'}}"
        )
        assert line.startswith("4: these features compare with a reference model, and there is none: reference-gap")
    (line,) = faults(here, f"{BASE.replace('{', '{features: reference-gap, ')}- name: a\n  model: model\n")
    assert line.startswith("3: these features compare with a reference model")
    adapter(here / "tuned")
    for said in ("model: tuned, features: reference-gap", "model: model, references: [base], features: reference-gap"):
        assert read(here, f"{BASE}- {{name: a, {said}}}").audits[0].settings.features == "reference-gap"


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("suspect: suspct", "Did you mean suspect?"),
        ("suspect: ''", "no path given"),
        ("suspect: AUDITS.yaml", "not a format that can be read"),
        ("model: ./modle", "does not exist. Did you mean"),
        ("model: modell", "does not exist. Did you mean"),
        ("model: ''", "and no model"),
        ("model: model/weights.safetensors", "does not exist"),
        ("references: [base, base/later]", None),
        ("references: [base, /nowhere/at/all]", "/nowhere/at/all does not exist"),
        (f"suspect: {'x' * 5000}", "cannot be a path"),
        ('suspect: "a\\0b"', "holds a character that cannot be written down"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_scored(here: Path, said: str, what: str | None) -> None:
    key = said.partition(":")[0]
    given = {"suspect": "suspect", "heldout": "heldout", "model": "model"}
    rest = "\n".join(f"  {name}: {value}" for name, value in given.items() if name != key)
    text = f"audits:\n- name: a\n{rest}\n  {said}\n"
    if what is None:
        # What no path here is like may be a model of a hub.
        assert read(here, text).audits[0].settings.references == ("base", "base/later")
        return
    (line,) = faults(here, text)
    assert line.startswith("5: " if key != "references" else "6: ")
    assert what in line


def test_a_missing_default_is_told_once(here: Path) -> None:
    audits = "".join(f"- {{name: a{number}, suspect: suspect, model: model}}\n" for number in range(5))
    (line,) = faults(here, f"defaults:\n  heldout: nowhere\naudits:\n{audits}")
    assert line.startswith("2: ")


@pytest.mark.parametrize("name", ["' a'", "'a '", '"a\\u200bb"', '"a\\nb"', '"\\u202eb"'], ids=range(5))
def test_names_can_be_read(here: Path, name: str) -> None:
    (line,) = faults(here, f"{BASE}- name: {name}\n  model: model\n")
    assert line.startswith("3: the name")
    assert line.isprintable()


def test_names_have_a_length(here: Path) -> None:
    assert "at most 100" in faults(here, f"{BASE}- {{name: {'x' * 101}, model: model}}\n")[0]
    assert "empty" in faults(here, f"{BASE}- {{name: '', model: model}}\n")[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "1: this file: expected a mapping of keys to values, found nothing"),
        ("- {name: a}\n", "1: this file: expected a mapping of keys to values, found a list. Put the list"),
        ("audits: []\n", "1: audits: empty"),
        ("name: x\n", "1: no 'audits'"),
        ("audits: {a: b}\n", "1: audits: expected a list, found a mapping"),
        ("audits:\n- {suspect: suspect, heldout: heldout, model: model}\n", "2: no 'name'. Every audit needs one."),
    ],
)
def test_a_file_that_is_no_batch(here: Path, text: str, what: str) -> None:
    (line,) = faults(here, text)
    assert line.startswith(what)


def test_only_so_much_is_told(here: Path) -> None:
    said = faults(here, "audits:\n" + "- {nam: a}\n" * 3000)
    assert len(said) == 101
    assert said[-1] == " and more"


# --- files ------------------------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_batch(path)
    return str(caught.value)


def test_files_that_cannot_be_a_configuration(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "AUDITS.yaml").write_text(SMALLEST, encoding="utf-8")
    assert "no such file" in refusal(here / "AUDIT.yaml")
    assert "Did you mean" in refusal(here / "AUDIT.yaml")
    assert "not a regular file" in refusal(here)
    (here / "AUDITS.json").write_text("{}", encoding="utf-8")
    assert "Known: .toml, .yaml, .yml." in refusal(here / "AUDITS.json")
    assert refusal(Path("a\0.yaml")).startswith("a[U+0000].yaml: cannot be read")
    (here / "latin.yaml").write_bytes(b"audits:\n- {name: caf\xe9}\n")
    assert "latin.yaml:2: not valid UTF-8: byte 0xe9 at byte offset 20" in refusal(here / "latin.yaml")
    (here / "control.yaml").write_bytes(b"audits:\n- {name: a\x1b[31m}\n")
    assert refusal(here / "control.yaml").endswith("control.yaml:2: a control character, U+001B")
    monkeypatch.setattr(reading, "MOST_BYTES", 30)
    assert "larger than" in refusal(here / "AUDITS.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_does_not_block(here: Path) -> None:
    os.mkfifo(here / "pipe.yaml")
    assert "not a regular file" in refusal(here / "pipe.yaml")


def test_a_link_and_a_byte_order_mark_are_fine(here: Path) -> None:
    (here / "real.yaml").write_bytes(b"\xef\xbb\xbf" + SMALLEST.encode())
    (here / "AUDITS.yml").symlink_to("real.yaml")
    assert len(read_batch(here / "AUDITS.yml").audits) == 1
