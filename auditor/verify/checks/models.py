"""The given models must be those of the audit, by the digests of their files."""

from __future__ import annotations

from auditor.core.text import did_you_mean
from auditor.membership.chat import own_template
from auditor.models.backend import Fingerprint
from auditor.models.loading import fingerprint_model
from auditor.results.result import ModelSummary
from auditor.verify.check import CheckAnswer, UnreadableError, check, reading
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


def _template(subject: Subject) -> list[Difference]:
    """The chat template and the special tokens, where they are of the tokenizer of a model that is given."""
    chat, name = subject.result.manifest.chat, subject.template_model
    if chat is None or name is None:
        return []
    source = subject.models[name]
    with reading():
        template, tokens = own_template(source, subject.options_of(name, source, subject.known_models[name][1]))
    again = {"template": template, "special_tokens": {} if template is None else tokens}
    return [
        Difference(f"manifest.chat.{field}", getattr(chat, field), value)
        for field, value in again.items()
        if getattr(chat, field) != value
    ]


@check(name="models", order=90)
def models(subject: Subject) -> CheckAnswer:
    """Hash weights, tokenizer and configuration of each again; no weights are loaded."""
    if not subject.models:
        return CheckAnswer("not asked", "give --model PATH or --model NAME=PATH to compare models with it")
    known = subject.known_models
    wrong = _replaced(subject)
    for name, source in subject.models.items():
        if name not in known:
            raise UnreadableError(f"the result has no model called {name!r}", hint=did_you_mean(name, known))
        index, stored = known[name]
        with reading():
            identity = fingerprint_model(source, subject.options_of(name, source, stored))
        wrong += _differences(f"manifest.models[{index}]", stored, identity)
    wrong += _template(subject)
    if wrong:
        return CheckAnswer("failed", "not the models of the audit", tuple(wrong))
    missing = [name for name in known if name not in subject.models and name != "target"]
    detail = f"weights, tokenizer and configuration are the same: {', '.join(subject.models)}"
    return CheckAnswer("passed", f"{detail}; not given: {', '.join(missing)}" if missing else detail)


def _replaced(subject: Subject) -> list[Difference]:
    """A base or tokenizer that is put in the place of the model's own here, and was not in the audit."""
    configuration = subject.result.manifest.configuration
    given = {"base": subject.base, "tokenizer": subject.tokenizer}
    return [
        Difference(f"manifest.configuration.{name}", None, source)
        for name, source in given.items()
        if source is not None and configuration.get(name) is None
    ]


def _differences(path: str, stored: ModelSummary, identity: Fingerprint) -> list[Difference]:
    """What differs of a model; a digest that only one side has is a difference too."""
    details = identity.details.keys() | {key for key in stored.details if key.endswith("_sha256")}
    pairs = {
        "weights_sha256": (stored.weights_sha256, identity.weights_sha256),
        "tokenizer_sha256": (stored.tokenizer_sha256, identity.tokenizer_sha256),
        **{f"details.{key}": (stored.details.get(key), identity.details.get(key)) for key in sorted(details)},
    }
    return [Difference(f"{path}.{field}", *pair) for field, pair in pairs.items() if pair[0] != pair[1]]
