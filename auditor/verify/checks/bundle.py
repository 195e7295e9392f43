"""The files of a bundle must be those that its manifest names and that its result gives."""

from __future__ import annotations

from importlib.metadata import version

from auditor.core.version import VERSION
from auditor.verify.bundle.contents import MANIFEST, RESULT, derived, digests, read_manifest, text_names
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="bundle", order=15)
def bundle(subject: Subject) -> CheckAnswer | None:
    """Compute the digests again, then every file that follows from the result."""
    files = subject.bundle
    if not files:
        return None
    manifest = read_manifest(files[MANIFEST])
    actual = digests({name: data for name, data in files.items() if name != MANIFEST})
    names = dict.fromkeys((*manifest.files, *actual))
    wrong = [
        Difference(name, manifest.files.get(name), actual.get(name))
        for name in names
        if manifest.files.get(name) != actual.get(name)
    ]
    texts = text_names(subject.result)
    recomputed = derived(subject.result)
    whole = {RESULT, MANIFEST, *recomputed}
    wrong += [Difference(name, "a file", "none") for name in files if name not in whole and name not in texts]
    wrong += [Difference(name, "none", "a file") for name in whole if name not in files]
    if any(name in files for name in texts):
        named = [document.sha256 for document in subject.result.documents]
        named += [document.sha256 for document in subject.result.left_out]
        for name, digest in zip(texts, named, strict=True):
            if actual.get(name) != digest:
                wrong.append(Difference(name, actual.get(name), digest))
    if wrong:
        return CheckAnswer("failed", "its files are not those of the manifest and the result", tuple(wrong))
    other = digests(recomputed)
    wrong = [Difference(name, actual[name], digest) for name, digest in other.items() if actual[name] != digest]
    if wrong:
        detail = "files are not those that the result gives"
        here, there = (VERSION, version("matplotlib")), (manifest.auditor_version, manifest.matplotlib_version)
        if here != there:
            detail += (
                f"; they name auditor {there[0]} with matplotlib {there[1]} and this is {here[0]} with {here[1]}, "
                "which may draw other bytes: verify with those, or read what `auditor report` makes of result.json"
            )
        return CheckAnswer("failed", detail, tuple(wrong))
    return CheckAnswer("passed", f"{len(files)} files; the table and the report are those that the result gives")
