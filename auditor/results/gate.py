"""Gate: the verdicts and states on which CI fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.core.text import did_you_mean
from auditor.results.forgetting.states import STATES, Code

Expect = Literal["no-evidence", "evidence", "any"]

FAILS: dict[Expect, tuple[str, ...]] = {
    "no-evidence": ("evidence", "inconclusive"),
    "evidence": ("no evidence", "inconclusive"),
    "any": (),
}
"""The verdicts on which a gate fails by default, for each expectation."""


_VERDICTS = {word.replace(" ", "-"): word for word in ("evidence", "no evidence", "inconclusive")}

STATE_WORDS: dict[str, Code] = {code: code for code in STATES} | {
    kind.name.replace(" ", "-"): code for code, kind in STATES.items()
}
"""How a user writes a state: by its letter or its name."""

OUTCOME_WORDS: dict[str, str] = {word: f"state {code}" for word, code in STATE_WORDS.items()} | _VERDICTS
"""How a user writes an outcome on which a gate fails, and how the gate stores it; `inconclusive` is the verdict, its
state is `H`."""


class Gate(Record):
    """When CI fails."""

    expect: Expect = "no-evidence"
    """The expected verdict."""

    fail_on: tuple[str, ...] = FAILS["no-evidence"]
    """Verdicts (`evidence`, `no evidence`, `inconclusive`) and states of the last checkpoint (`state C`) on which
    the gate fails."""


def parse_outcomes(words: Iterable[str]) -> tuple[str, ...]:
    """Read verdicts and states as a user writes them: `no-evidence`, `C`, `no-trace-found`, in any case.

    Returns:
        The words of `Gate.fail_on`.

    Raises:
        UsageError: One is neither a verdict nor a state.
    """
    return tuple(OUTCOME_WORDS[_known(word, OUTCOME_WORDS, "no verdict and no state")] for word in words)


def parse_states(words: Iterable[str]) -> tuple[Code, ...]:
    """Read states by letter or name, in any case; `inconclusive` here is the state H.

    Raises:
        UsageError: One is no state.
    """
    return tuple(STATE_WORDS[_known(word, STATE_WORDS, "no state")] for word in words)


def _known(word: str, known: Iterable[str], otherwise: str) -> str:
    spelled = {name.lower(): name for name in known}
    named = word.strip().lower().replace(" ", "-")
    if named not in spelled:
        raise UsageError(f"{word!r} is {otherwise}", hint=did_you_mean(named, spelled))
    return spelled[named]


def make_gate(
    expect: Expect | None = None, fail_on: Iterable[str] | None = None, states: Iterable[str] | None = None
) -> Gate:
    """A gate from what a user gives: the expected verdict, the outcomes it fails on, or the allowed states.

    Args:
        expect: The expected verdict; what follows from `fail_on` where that is given, else `no-evidence`.
        fail_on: Verdicts and states on which it fails; what goes with `expect` by default.
        states: The states that the last checkpoint may have; it fails on every other.

    Raises:
        UsageError: A word is unknown, or two of the three contradict each other.
    """
    if states is not None:
        if expect is not None or fail_on is not None:
            raise UsageError(
                f"states and {'expect' if fail_on is None else 'fail-on'} both say what makes the gate red",
                hint="Leave one of the two out.",
            )
        allowed = parse_states(states)
        if not allowed:
            raise UsageError("states allows no state at all", hint="Name the states that are allowed.")
        return Gate(expect="any", fail_on=tuple(f"state {code}" for code in sorted(STATES) if code not in allowed))
    if fail_on is None:
        chosen = expect or "no-evidence"
        return Gate(expect=chosen, fail_on=FAILS[chosen])
    red = tuple(dict.fromkeys(parse_outcomes(fail_on)))
    if expect is None:
        return Gate(expect=_expected(red), fail_on=red)
    if expect == "any" and red:
        raise UsageError("expect: any accepts whatever fail-on names", hint="Leave one of the two out.")
    if expect != "any":
        wanted, opposite = expect.replace("-", " "), FAILS[expect][0]
        if wanted in red:
            raise UsageError(f"expect: {expect} is also what fail-on names", hint="Leave one of the two out.")
        if opposite not in red:
            raise UsageError(
                f"expect: {expect}, and yet fail-on lets {opposite.replace(' ', '-')} pass",
                hint="Add it to fail-on, or leave one of the two out.",
            )
    return Gate(expect=expect, fail_on=red)


def _expected(red: tuple[str, ...]) -> Expect:
    """The one verdict of the two that is not red; `any` where both or neither is."""
    if ("evidence" in red) == ("no evidence" in red):
        return "any"
    return "no-evidence" if "evidence" in red else "evidence"
