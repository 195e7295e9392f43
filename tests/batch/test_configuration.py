"""A configuration becomes the settings of its audits, with their gates, folders and paths."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, get_args

import pytest
from support.configuration import CHECK, SERIES, SMALLEST, faults, place, read
from support.paths import ROOT

from auditor.batch.config.folders import folders
from auditor.batch.config.model import BatchModel, check_keys, key_of, series_keys
from auditor.batch.plan import PlannedAudit
from auditor.batch.read import read_batch
from auditor.core.errors import UsageError
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.gate import FAILS, Expect, Gate
from auditor.results.policy import Policy
from auditor.settings import AuditSettings, SeriesSettings, inputs_of


def one(here: Path, text: str) -> PlannedAudit:
    (planned,) = read(here, text).audits
    return planned


def test_the_smallest_configuration_is_a_check_with_the_settings_of_the_command(here: Path) -> None:
    (here / "AUDITS.yaml").write_text(SMALLEST, encoding="utf-8")
    plan = read_batch("AUDITS.yaml")
    assert (plan.name, plan.correction, plan.configuration) == ("AUDITS", "holm", "AUDITS.yaml")
    assert plan.configuration_sha256 == hashlib.sha256(SMALLEST.encode()).hexdigest()
    (planned,) = plan.audits
    assert (planned.name, planned.folder, planned.gate) == ("planted", "audits/planted", Gate())
    assert planned.settings == AuditSettings(suspect="suspect", heldout="heldout", model="model")


def test_toml_says_the_same(here: Path) -> None:
    yaml = read(
        here,
        "name: n\ncorrection: benjamini-hochberg\ndefaults: {heldout: heldout, policy: {power: 0.9}}\naudits:\n"
        "- {name: a, suspect: suspect, model: model, seed: 3, references: [base], fail-on: [evidence]}\n"
        "- {name: b, suspect: suspect, checkpoints: {base: base, later: later}, relearn: true, states: [A, F]}\n",
    )
    toml = read(
        here,
        "name = 'n'\ncorrection = 'benjamini-hochberg'\n[defaults]\nheldout = 'heldout'\npolicy.power = 0.9\n"
        "[[audits]]\nname = 'a'\nsuspect = 'suspect'\nmodel = 'model'\nseed = 3\nreferences = ['base']\n"
        "fail-on = ['evidence']\n[[audits]]\nname = 'b'\nsuspect = 'suspect'\nrelearn = true\nstates = ['A', 'F']\n"
        "[audits.checkpoints]\nbase = 'base'\nlater = 'later'\n",
        "AUDITS.toml",
    )
    assert (yaml.name, yaml.correction, yaml.audits) == (toml.name, toml.correction, toml.audits)
    assert yaml.audits[1].settings.kind == "forget"


def test_the_samples_are_a_batch() -> None:
    plan = read_batch(ROOT / "samples" / "AUDITS.yaml")
    assert {planned.name: planned.gate.expect for planned in plan.audits} == {
        "planted": "evidence",
        "innocent": "no-evidence",
        "shifted": "no-evidence",
    }
    assert plan.audits[2].gate.fail_on == ("evidence",)


def test_what_an_audit_says_wins_over_the_defaults_and_thresholds_are_laid_over_each_other(here: Path) -> None:
    text = (
        "defaults: {heldout: heldout, suspect: suspect, model: model, seed: 1, limit: 5, alpha: 0.02,"
        " policy: {power: 0.9, blind-alpha: 0.01}}\n"
        "audits: [{name: a}, {name: b, seed: 2, limit: null, policy: {power: 0.7}}, {name: c, required-auc: 0.7}]\n"
    )
    a, b, c = (planned.settings for planned in read(here, text).audits)
    assert (a.seed, a.limit, a.policy) == (1, 5, Policy(alpha=0.02, power=0.9, blind_alpha=0.01))
    assert (b.seed, b.limit, b.policy) == (2, None, Policy(alpha=0.02, power=0.7, blind_alpha=0.01))
    assert (c.seed, c.policy) == (1, Policy(alpha=0.02, power=0.9, blind_alpha=0.01, required_auc=0.7))


_OTHER: dict[str, Any] = {
    "suspect": "placebo",
    "heldout": "general",
    "model": "later",
    "references": ["base"],
    "text-column": "body",
    "chat-template": "none",
    "score": "all",
    "group-column": "author",
    "group-by": "parent",
    "limit": 7,
    "suffix": [".py"],
    "normalise": True,
    "features": "llm-di",
    "procedures": ["llm-di"],
    "device": "cpu",
    "dtype": "bfloat16",
    "revision": "main",
    "base": "base",
    "tokenizer": "base",
    "context": 64,
    "max-tokens": 32,
    "permutations": 19999,
    "seed": 5,
    "require-control": True,
    "reveal": True,
    "checkpoints": {"base": "later", "later": "base"},
    "general": "general",
    "placebo": "placebo",
    "relearn": True,
    "layers": False,
    "tasks": {"t": "task"},
    "label-column": "class",
    "label-template": "{text} is {label}",
}


def _as_setting(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list) else value


def _written(value: Any) -> str:
    import json

    return json.dumps(value)


@pytest.mark.parametrize("key", sorted({*check_keys(), *series_keys()} - {"policy", "forgetting-policy"}))
def test_every_setting_of_an_audit_can_be_written(here: Path, key: str) -> None:
    """A setting that is added needs a value here, and nothing else."""
    of_series = key in series_keys()
    start = SERIES if of_series else CHECK.replace("name: a, model: model", "name: a")
    start = start.replace("checkpoints: {base: base, later: later}, ", "") if key == "checkpoints" else start
    start += "" if of_series or key == "model" else "model: model, "
    overridden = start.replace(f"{key}: {key}", f"{key}: model") if key in ("suspect", "heldout") else start
    settings = one(here, f"{overridden}{key}: {_written(_OTHER[key])}}}").settings
    name = {**check_keys(), **series_keys()}[key]
    holder = settings.series if of_series else settings
    assert getattr(holder, name) == _as_setting(_OTHER[key])
    default = type(holder).model_fields[name]
    assert default.is_required() or getattr(holder, name) != default.default


def test_no_setting_is_without_a_key() -> None:
    audit = BatchModel.model_fields["audits"].annotation
    written = {field.alias or name for name, field in get_args(audit)[0].model_fields.items()}
    asked = {key_of(name) for name in AuditSettings.model_fields} - {"series"}
    of_series = {key_of(name) for name in SeriesSettings.model_fields} - {"policy"}
    assert asked | of_series | {"forgetting-policy"} <= written


@pytest.mark.parametrize(
    ("key", "model", "start"), [("policy", Policy, CHECK), ("forgetting-policy", ForgettingPolicy, SERIES)]
)
def test_every_threshold_can_be_written(here: Path, key: str, model: type[Policy], start: str) -> None:
    for name, field in model.model_fields.items():
        other = field.default + 1 if isinstance(field.default, int) else field.default * 0.999
        if name == "collapse_ratio":
            other = 1.3
        settings = one(here, f"{start}{key}: {{{key_of(name)}: {other}}}, permutations: 99999}}").settings
        policy = settings.policy if key == "policy" else settings.series and settings.series.policy
        assert policy == model(**{name: other})


def test_a_model_makes_a_check_checkpoints_a_forget_and_both_a_check_beside_a_series(here: Path) -> None:
    assert one(here, CHECK + "}").settings.kind == "check"
    forget = one(here, SERIES + "general: general}").settings
    assert (forget.kind, forget.model, forget.features) == ("forget", "later", "single-pass")
    assert forget.series == SeriesSettings(checkpoints=(("base", "base"), ("later", "later")), general="general")
    beside = one(here, SERIES + "model: later}").settings
    assert (beside.kind, beside.model) == ("check", "later")
    assert beside.series == SeriesSettings(checkpoints=(("base", "base"), ("later", "later")))


def test_defaults_of_a_check_do_not_reach_a_forget_nor_the_other_way(here: Path) -> None:
    text = (
        "defaults: {suspect: suspect, heldout: heldout, model: model, references: [base], relearn: true, states: [A]}\n"
        "audits:\n- {name: check}\n- {name: forget, kind: forget, checkpoints: {base: base, later: later}}\n"
    )
    check, forget = read(here, text).audits
    assert (check.settings.references, check.settings.series, check.gate) == (("base",), None, Gate())
    assert (forget.settings.kind, forget.settings.model, forget.settings.references) == ("forget", "later", ())
    assert forget.settings.series is not None
    assert forget.settings.series.relearn
    assert "state A" not in forget.gate.fail_on


@pytest.mark.parametrize("expect", get_args(Expect))
def test_an_expectation_says_what_is_red(here: Path, expect: Expect) -> None:
    assert one(here, f"{CHECK}expect: {expect}}}").gate == Gate(expect=expect, fail_on=FAILS[expect])


@pytest.mark.parametrize(
    ("said", "gate"),
    [
        ("fail-on: [evidence]", Gate(expect="no-evidence", fail_on=("evidence",))),
        ("fail-on: [no-evidence]", Gate(expect="evidence", fail_on=("no evidence",))),
        ("fail-on: []", Gate(expect="any", fail_on=())),
        ("fail-on: [inconclusive, no-trace-found]", Gate(expect="any", fail_on=("inconclusive", "state F"))),
        ("states: [A, no-trace-found]", Gate(expect="any", fail_on=tuple(f"state {code}" for code in "BCDEGHW"))),
        ("states: [inconclusive]", Gate(expect="any", fail_on=tuple(f"state {code}" for code in "ABCDEFGW"))),
        ("expect: no-evidence, fail-on: [evidence, E]", Gate(fail_on=("evidence", "state E"))),
    ],
)
def test_what_is_red_can_be_named(here: Path, said: str, gate: Gate) -> None:
    assert one(here, f"{SERIES}{said}}}").gate == gate


def test_an_audit_that_says_what_is_red_takes_none_of_that_from_the_defaults(here: Path) -> None:
    start = "defaults: {suspect: suspect, heldout: heldout, model: model, fail-on: [evidence]}\naudits:\n"
    inherited, own = read(here, start + "- {name: a}\n- {name: b, expect: evidence}\n").audits
    assert inherited.gate.fail_on == ("evidence",)
    assert own.gate == Gate(expect="evidence", fail_on=FAILS["evidence"])


MIXED = (
    "defaults: {suspect: suspect, heldout: heldout, model: model, fail-on: [inconclusive]}\naudits:\n"
    "- {name: canary, expect: evidence}\n- {name: b}\n"
    "- {name: c, kind: forget, checkpoints: {base: base, later: later}, states: [A]}\n"
)


def with_fail_on(here: Path, text: str, *fail_on: str) -> list[Gate]:
    (here / "AUDITS.yaml").write_text(text, encoding="utf-8")
    return [planned.gate for planned in read_batch("AUDITS.yaml", fail_on=fail_on).audits]


def test_fail_on_for_all_is_for_those_that_say_nothing_themselves(here: Path) -> None:
    """A canary that is expected to be found stays red when it is not."""
    plain = [planned.gate for planned in read(here, MIXED).audits]
    given = with_fail_on(here, MIXED, "evidence", "No-Evidence")
    assert plain[1].fail_on == ("inconclusive",)
    assert given == [plain[0], Gate(expect="any", fail_on=("evidence", "no evidence")), plain[2]]


@pytest.mark.parametrize(
    ("text", "fail_on", "says"),
    [
        (MIXED, "E", "AUDITS.yaml:4: --fail-on names state E, which needs checkpoints"),
        (MIXED, "evidense", "'evidense' is no verdict and no state"),
        (f"{CHECK}expect: evidence}}", "evidence", "AUDITS.yaml:1: --fail-on is for none of these audits"),
    ],
)
def test_fail_on_for_all_is_held_to_what_the_file_is_held_to(here: Path, text: str, fail_on: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_fail_on(here, text, fail_on)
    assert caught.value.message.startswith(says)


def test_a_fail_on_for_all_may_name_states_where_all_that_take_it_have_some(here: Path) -> None:
    assert with_fail_on(here, MIXED.replace("name: b", "name: b, expect: any").replace(", states: [A]", ""), "E")[
        2
    ] == (Gate(expect="any", fail_on=("state E",)))


# --- paths ------------------------------------------------------------------------------------------------------------


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path / "below" / "deep")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below" / "conf").mkdir()
    text = (
        "audits:\n- {name: a, suspect: ../deep/suspect, heldout: ../deep/heldout, model: ../deep/model,"
        " references: [../deep/base, 'untrained:../deep/base', org/name], general: ../deep/general, tasks:"
        " {t: ../deep/task}, placebo: 'hf:org/data', checkpoints: {base: ../deep/base, later: org/later}}\n"
    )
    (planned,) = read(Path("below/conf"), text).audits
    assert inputs_of(planned.settings) == [
        "below/deep/suspect",
        "below/deep/heldout",
        "below/deep/model",
        "below/deep/base",
        "untrained:below/deep/base",
        "org/name",
        "below/deep/base",
        "org/later",
        "below/deep/task",
        "below/deep/general",
        "hf:org/data",
    ]
    (absolute,) = read(tmp_path / "below" / "conf", text).audits
    assert absolute.settings == planned.settings


def test_every_source_of_the_settings_starts_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    both = {**_OTHER, "group-by": "document", "revision": None}
    entry = {"name": "a", **both, "suspect": "suspect", "heldout": "heldout", "permutations": 99999}
    (planned,) = read(Path("conf"), _written({"audits": [entry]})).audits
    sources = inputs_of(planned.settings)
    assert len(sources) == 11
    assert all(source.startswith(f"conf{os.sep}") for source in sources)


def test_dots_after_a_link_mean_what_they_mean_to_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path / "real")
    (tmp_path / "real" / "conf").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "conf")
    monkeypatch.chdir(tmp_path)
    text = "audits: [{name: a, suspect: ../suspect, heldout: ../heldout, model: ../model}]\n"
    (planned,) = read(Path("link"), text).audits
    assert os.path.realpath(planned.settings.suspect) == str(tmp_path / "real" / "suspect")


def test_a_hub_name_that_is_a_path_elsewhere_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path / "conf")
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    text = "audits: [{name: a, suspect: suspect, heldout: heldout, model: org/name}]\n"
    (said,) = faults(Path("conf"), text)
    assert said.startswith("1: org/name is not beside the configuration")


# --- folders ----------------------------------------------------------------------------------------------------------


def test_folders_are_safe_on_every_platform() -> None:
    names = ["../../etc", "CON", "con", "a/b", "A b", "a.b", "Ünïcode", "文", "字", "x" * 200, ".", "nul.txt", "a-b-2"]
    made = folders(names)
    assert made[:5] == ["audits/etc", "audits/audit-con", "audits/audit-con-2", "audits/a-b", "audits/a-b-2"]
    assert made[6:9] == ["audits/unicode", "audits/audit", "audits/audit-2"]
    assert len({folder.lower() for folder in made}) == len(names)
    for folder in made:
        assert set(folder.removeprefix("audits/")) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(folder) < 80
