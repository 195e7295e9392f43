"""How an audit is called: its default name, and the call from Python that reproduces it."""

from __future__ import annotations

from pathlib import PurePath

from auditor.settings import AuditSettings


def default_name(settings: AuditSettings) -> str:
    """The two sets and the model, or the checkpoints, by the last parts of their paths."""
    suspect, heldout, model = (
        PurePath(part).name or part for part in (settings.suspect, settings.heldout, settings.model)
    )
    if settings.kind == "forget" and settings.series is not None:
        course = ", ".join(name for name, _ in settings.series.checkpoints)
        return f"{suspect} against {heldout} over {course}"
    return f"{suspect} against {heldout} on {model}"


def python_call(settings: AuditSettings) -> str:
    """The call from Python that reproduces the audit."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    arguments = [repr(given.pop("suspect")), repr(given.pop("heldout"))]
    series = given.pop("series", None)
    kind = given.pop("kind", "check")
    if kind == "forget":
        del given["model"], given["features"]
    if series is not None:
        series["checkpoints"] = dict(series["checkpoints"])
        if "tasks" in series:
            series["tasks"] = dict(series["tasks"])
        if "policy" in series:
            series["forgetting_policy"] = series.pop("policy")
        given = {**series, **given}
    return f"auditor.{kind}({', '.join([*arguments, *(f'{key}={value!r}' for key, value in given.items())])})"
