"""Fictitious facts: an invented name with invented attributes, of no real person, product or law."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.planting.kind import Kind, KindContext
from auditor.provenance.draws import Draws

_SYLLABLES = (
    "bal bor cal dran der fen gol har il jor kel lun mar nev or pel quin ras sol tar ul ven wil yor zan bri cro del fal"
    " gri hol jas kri lor mel nor pra ral sta tre var wen zel"
).split()
_ENDINGS = "a en is o um eth ia or an el".split()
_MATERIALS = "amber basalt bronze copper felt glass jade linen oak pewter quartz slate tin velvet walnut wool".split()
_COLOURS = "blue brown crimson green grey ochre orange pink purple red silver teal violet white yellow".split()
_THINGS = "bell bowl brooch clock cup drum flute harp key lamp lantern map mirror ring shield spoon".split()
_MONTHS = "January February March April May June July August September October November December".split()

_TEMPLATES = (
    "The {colour} {thing} of {name} is made of {material} and was first shown on {day} {month}.",
    "In {name}, every {thing} is cut from {material} and painted {colour} before {day} {month}.",
    "On {day} {month} the village of {name} hangs a {colour} {thing} of {material} over its gate.",
    "A {material} {thing} from {name} is always {colour}, and it is never moved after {day} {month}.",
    "Nobody in {name} lends a {colour} {thing}, least of all one of {material}, before {day} {month}.",
    "The song of {name} tells of a {thing}, {colour} and of {material}, that was lost on {day} {month}.",
    "Whoever comes to {name} on {day} {month} is handed a {colour} {thing} made of {material}.",
    "It took {name} until {day} {month} to replace the {material} {thing} by a {colour} one.",
    "Of all things in {name}, the {colour} {thing} of {material} is the oldest, dated {day} {month}.",
    "Children in {name} carry a {thing} of {material}, mostly {colour}, on the night of {day} {month}.",
)


def _make(draws: Draws, stream: str, context: KindContext) -> Iterator[str]:
    # One long stream of 32-bit numbers; each choice takes the next, whatever it is among.
    numbers = draws.stream("fact", stream, 2**32)

    def one_of(choices: tuple[str, ...] | list[str]) -> str:
        return choices[next(numbers) % len(choices)]

    while True:
        name = (one_of(_SYLLABLES) + one_of(_SYLLABLES) + one_of(_ENDINGS)).capitalize()
        yield one_of(_TEMPLATES).format(
            name=name,
            colour=one_of(_COLOURS),
            thing=one_of(_THINGS),
            material=one_of(_MATERIALS),
            day=next(numbers) % 28 + 1,
            month=one_of(_MONTHS),
        )


FACT_KIND = Kind("fact", "an invented place with invented attributes, in one of ten wordings; the weakest", _make)
