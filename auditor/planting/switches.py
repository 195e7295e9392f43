"""Switches between two ways of writing that mean the same, and the two wordings of a document that they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditor.provenance.draws import Draws

LEAST_SITES = 6
"""Sites of a document: with fewer, two wordings are too alike to be told apart by a model."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Two ways of writing one thing, matched as whole words in lower case.

    Attributes:
        one: The first.
        other: The second.
        both: Whether the second means the first wherever it stands; otherwise the first alone is matched.
    """

    one: str
    other: str
    both: bool = True


_CONTRACTIONS = (
    "are not/aren't cannot/can't could not/couldn't did not/didn't do not/don't does not/doesn't had not/hadn't "
    "has not/hasn't have not/haven't is not/isn't should not/shouldn't was not/wasn't were not/weren't "
    "will not/won't would not/wouldn't"
)
_SPELLINGS = (
    "analyse/analyze behaviour/behavior catalogue/catalog centre/center colour/color defence/defense "
    "favourite/favorite grey/gray honour/honor labour/labor neighbour/neighbor organise/organize "
    "organised/organized organisation/organization realise/realize realised/realized recognise/recognize "
    "recognised/recognized theatre/theater travelled/traveled"
)
_SIGNS = "for example/for instance amongst/among whilst/while towards/toward per cent/percent"
# `it's` may be short for `it has`, and a figure may be a name or a date: these are matched one way.
_ONE_WAY = (
    "it is/it's that is/that's there is/there's two/2 three/3 four/4 five/5 six/6 seven/7 eight/8 nine/9 ten/10 "
    "eleven/11 twelve/12"
)
_PAIR = re.compile(r"([^/]+)/(\S+)\s?")

SWITCHES = (
    *(Switch(*pair) for table in (_CONTRACTIONS, _SPELLINGS, _SIGNS) for pair in _PAIR.findall(table)),
    *(Switch(one, other, both=False) for one, other in _PAIR.findall(_ONE_WAY)),
)
"""Switches that leave the meaning of every sentence: contractions, spelling, signs, number words.

Synonyms are not among them: the owner brings them as versions of the documents."""

_OTHER = {switch.one: switch.other for switch in SWITCHES} | {
    switch.other: switch.one for switch in SWITCHES if switch.both
}
_FORMS = re.compile(
    rf"(?<![\w.,'’-])(?:{'|'.join(map(re.escape, sorted(_OTHER, key=len, reverse=True)))})(?![\w'’-]|[.,]\w)"
)
_SERIAL = re.compile(r"(?<=\w), \w+(?P<comma>,? )(?=(?:and|or) \w)")
_COMMA = {", ": " ", " ": ", "}


def two_wordings(
    text: str, draws: Draws, document: str, can_edit: Callable[[int, int], bool] = lambda start, stop: True
) -> tuple[str, str] | None:
    """Two complementary wordings of a document: at every site one has the one way of writing and one the other.

    Which of the two has which is drawn site by site, before and apart from the coin of the document. Given both, the
    coin is fair, which is what the test rests on.

    Args:
        text: The document.
        draws: Of the key.
        document: Id of the document.
        can_edit: Whether the format of its file lets characters of it be replaced.

    Returns:
        The two; None where there are fewer than `LEAST_SITES` sites.
    """
    sites = list(_sites(text, can_edit))
    if len(sites) < LEAST_SITES:
        return None
    bits = draws.stream("switch", document, 2)
    wordings: tuple[list[str], list[str]] = ([], [])
    position = 0
    for start, stop, pair in sites:
        bit = next(bits)
        for number, parts in enumerate(wordings):
            parts += [text[position:start], pair[bit ^ number]]
        position = stop
    return "".join([*wordings[0], text[position:]]), "".join([*wordings[1], text[position:]])


def _sites(text: str, can_edit: Callable[[int, int], bool]) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """Start and end of each site in order, without overlap, with its two ways of writing.

    Besides switches of words there is the comma before the last of three and more single words.
    """
    sites = [(*match.span(), (match.group(), _OTHER[match.group()])) for match in _FORMS.finditer(text)]
    commas = _SERIAL.finditer(text)
    sites += [(*match.span("comma"), (match["comma"], _COMMA[match["comma"]])) for match in commas]
    last = 0
    for start, stop, pair in sorted(sites):
        if start >= last and can_edit(start, stop):
            yield start, stop, pair
            last = stop
