"""The models that are given must be those of the audit, by the digests of their files."""

from __future__ import annotations

from auditor.core.hints import did_you_mean
from auditor.models.loading import fingerprint_model
from auditor.verify.check import CheckAnswer, UnreadableError, check, reading
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject, is_here


@check(name="models", order=90)
def models(subject: Subject) -> CheckAnswer:
    """Hash weights, tokenizer and configuration of each again; no weights are loaded."""
    if not subject.models:
        return CheckAnswer("not asked", "give --model PATH or --model NAME=PATH to hold models against it")
    known = subject.known_models
    wrong: list[Difference] = []
    for name, source in subject.models.items():
        if name not in known:
            raise UnreadableError(f"the result has no model called {name!r}", hint=did_you_mean(name, known))
        place, stored = known[name]
        with reading():
            found = fingerprint_model(source, None if is_here(source) else stored.revision)
        again = {
            "weights_sha256": found.weights_sha256,
            "tokenizer_sha256": found.tokenizer_sha256,
            **{f"details.{key}": digest for key, digest in found.details.items()},
        }
        for field, digest in again.items():
            kept = stored.details.get(field[8:]) if field.startswith("details.") else getattr(stored, field)
            if kept != digest:
                wrong.append(Difference(f"manifest.models[{place}].{field}", kept, digest))
    if wrong:
        return CheckAnswer("failed", "not the models of the audit", tuple(wrong))
    left = [name for name in known if name not in subject.models and name != "target"]
    said = f"weights, tokenizer and configuration are the same: {', '.join(subject.models)}"
    return CheckAnswer("passed", f"{said}; not given: {', '.join(left)}" if left else said)
