"""The given models must be those of the audit, by the digests of their files."""

from __future__ import annotations

from auditor.core.text import did_you_mean
from auditor.models.loading import fingerprint_model
from auditor.verify.check import CheckAnswer, UnreadableError, check, reading
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="models", order=90)
def models(subject: Subject) -> CheckAnswer:
    """Hash weights, tokenizer and configuration of each again; no weights are loaded."""
    if not subject.models:
        return CheckAnswer("not asked", "give --model PATH or --model NAME=PATH to compare models with it")
    known = subject.known_models
    wrong: list[Difference] = []
    for name, source in subject.models.items():
        if name not in known:
            raise UnreadableError(f"the result has no model called {name!r}", hint=did_you_mean(name, known))
        index, stored = known[name]
        with reading():
            identity = fingerprint_model(source, subject.options_of(name, source, stored))
        again = {
            "weights_sha256": identity.weights_sha256,
            "tokenizer_sha256": identity.tokenizer_sha256,
            **{f"details.{key}": digest for key, digest in identity.details.items() if key in stored.details},
        }
        for field, digest in again.items():
            expected = stored.details.get(field[8:]) if field.startswith("details.") else getattr(stored, field)
            if expected != digest:
                wrong.append(Difference(f"manifest.models[{index}].{field}", expected, digest))
    if wrong:
        return CheckAnswer("failed", "not the models of the audit", tuple(wrong))
    missing = [name for name in known if name not in subject.models and name != "target"]
    detail = f"weights, tokenizer and configuration are the same: {', '.join(subject.models)}"
    return CheckAnswer("passed", f"{detail}; not given: {', '.join(missing)}" if missing else detail)
