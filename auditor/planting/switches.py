"""Switches between two ways of writing that mean the same, and the two wordings of a document that they make."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditor.provenance.draws import Draws
from auditor.splicing.edit import TextEdit

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
    "are not/aren't, cannot/can't, could not/couldn't, did not/didn't, do not/don't, does not/doesn't, had not/hadn't, "
    "has not/hasn't, have not/haven't, is not/isn't, should not/shouldn't, was not/wasn't, were not/weren't, "
    "will not/won't, would not/wouldn't"
)
_SPELLINGS = (
    "analyse/analyze, behaviour/behavior, catalogue/catalog, centre/center, colour/color, defence/defense, "
    "favourite/favorite, grey/gray, honour/honor, labour/labor, neighbour/neighbor, organise/organize, "
    "organised/organized, organisation/organization, realise/realize, realised/realized, recognise/recognize, "
    "recognised/recognized, theatre/theater, travelled/traveled"
)
_SIGNS = "for example/for instance, amongst/among, towards/toward, per cent/percent"
_SHORT_IS = "it is/it's, that is/that's, there is/there's"
_NUMBERS = "two/2, three/3, four/4, five/5, six/6, seven/7, eight/8, nine/9, ten/10, eleven/11, twelve/12"


def _pairs(table: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("/") for pair in table.split(", "))
    return [(one, other) for one, _, other in pairs]


SWITCHES = (
    *(Switch(*pair) for table in (_CONTRACTIONS, _SPELLINGS, _SIGNS) for pair in _pairs(table)),
    # `it's` may be short for `it has`, a figure may be a name or a date, and one may wait for `a while`.
    *(Switch(*pair, both=False) for table in (_SHORT_IS, _NUMBERS, "whilst/while") for pair in _pairs(table)),
)
"""Switches that leave the meaning of every sentence: contractions, spelling, signs, number words.

Synonyms are not among them: the owner brings them as versions of the documents."""

_OTHER = {switch.one: switch.other for switch in SWITCHES} | {
    switch.other: switch.one for switch in SWITCHES if switch.both
}
_NEGATIONS = frozenset(form for pair in _pairs(_CONTRACTIONS) for form in pair)
_LONG_IS = frozenset(one for one, _ in _pairs(_SHORT_IS))
_NUMBER_WORDS = frozenset(one for one, _ in _pairs(_NUMBERS))
_FORMS = re.compile(
    # Not inside a word, a number, an address or a name of code.
    rf"(?<![\w.,'’/@#=&:\\$<-])(?:{'|'.join(map(re.escape, sorted(_OTHER, key=len, reverse=True)))})"
    r"(?![\w'’/@=&\\$>(-]|[.,:;]\w)"
)
# The comma before the last of four single words and more, where the list ends its clause: it groups nothing else.
_SERIAL = re.compile(r", (?P<second>\w+), (?P<third>\w+)(?P<comma>,? )(?:and|or) \w+(?=[.;:!?)]|\Z)")
_COMMA = {", ": " ", " ": ", "}
_OPENING = re.compile(r"[^.,;:!?()\n]*\Z")
# Code, addresses and formulas, as text and Markdown show them.
_BARRED = re.compile(
    r"(?ms:```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z))|`[^`\n]{1,500}`|(?m:^(?: {4}|\t).*$)|\]\([^)\n]{0,500}\)|<[^<>\n]{0,500}>"
    r"|\$[^$\n]{1,300}\$|://\S{1,500}"
)
_ENGLISH = frozenset("and are for is of that the to was with".split())
_OTHERS = frozenset(
    "che da das de del der des di die du een el en est et het il ist la las le les los nicht och que und une "
    "van".split()
)
_NEAR = 200
_BEFORE = re.compile(r"([\w'’-]*)\W{0,3}\Z")
_AFTER = re.compile(r"\s+([\w'’-]+)")
_ASKING = frozenset("as how than what whatever when where which who whom whose why".split())
_SUBJECTS = frozenset("he i it one she that there these they this those we you".split())
# What can only follow a verb that has more to say: `it is` at the end of a clause is never shortened.
_COMPLEMENTS = frozenset("a an the no very quite clear likely possible impossible important".split())
_OPENERS = frozenset(
    "about above across after against although along amid among around as at because before behind below beneath "
    "between beyond by despite during except for from given if in inside into like near of off on onto once outside "
    "over past per since than though through throughout till to toward towards under unless until unto up upon when "
    "whenever where whereas wherever whether while with within without that which who whom whose".split()
)
_ADVERBS = frozenset(
    "accordingly also anyway besides consequently finally first furthermore hence however incidentally indeed instead "
    "later likewise meanwhile moreover nevertheless nonetheless now often otherwise perhaps rather second similarly "
    "so still subsequently then therefore third thus today together tomorrow too usually well yesterday yet".split()
)
_PARTS_OF_NUMBERS = frozenset(
    "hundred thousand million billion trillion twenty thirty forty fifty sixty seventy eighty ninety and dozen score "
    "point half".split()
)


def _is_list(text: str, match: re.Match[str]) -> bool:
    """Whether the words before a comma are items of a list, and no adverb or opening of a sentence is among them."""
    opening = _OPENING.search(text, max(0, match.start() - 200), match.start())
    words = opening.group().lower().split() if opening is not None else []
    asides = {match["second"].lower(), match["third"].lower()} & (_ADVERBS | _OPENERS)
    return bool(words) and words[0] not in _OPENERS | _ADVERBS and not asides


def _is_english(text: str, start: int, stop: int) -> bool:
    """Whether no other language is around a site: "centre" and "color" are words of several."""
    before = text[max(0, start - _NEAR) : start].rpartition("\n\n")[2]
    after = text[stop : stop + _NEAR].partition("\n\n")[0]
    words = re.findall(r"\w+", f"{before} {after}".lower())
    return sum(word in _OTHERS for word in words) <= sum(word in _ENGLISH for word in words)


def _is_free(text: str, start: int, stop: int) -> bool:
    """Whether a switch means the same and is well-formed among the words around it."""
    form = text[start:stop]
    match = _AFTER.match(text, stop, stop + 40)
    after = match.group(1).lower() if match is not None else ""
    found = _BEFORE.search(text, max(0, start - 24), start)
    before = found.group(1).lower() if found is not None else ""
    if form in _LONG_IS:
        return after in _COMPLEMENTS and before not in _ASKING
    if form in _NEGATIONS:
        # "Why don't you" has no long form in that order.
        return after not in _SUBJECTS and before not in _ASKING
    if form in _NUMBER_WORDS:
        # "Twenty two", "two hundred", "two and a half".
        return after not in _PARTS_OF_NUMBERS and before not in _PARTS_OF_NUMBERS
    return True


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
        can_edit: Whether characters of it may be replaced, as far as the format of its file tells.

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


def switch_edits(
    text: str, wording: str, can_edit: Callable[[int, int], bool] = lambda start, stop: True
) -> list[TextEdit] | None:
    """The edits of its sites that turn a document into a wording of it; None where no choice at its sites makes it.

    Args:
        text: The document.
        wording: One of its wordings.
        can_edit: As of `two_wordings`.
    """
    edits: list[TextEdit] = []
    position = read = 0
    for start, stop, pair in _sites(text, can_edit):
        read += start - position
        if wording[read - (start - position) : read] != text[position:start]:
            return None
        # Of two ways of which one begins the other, the longer: what follows a site is never the rest of a word.
        way = next((way for way in sorted(pair, key=len, reverse=True) if wording.startswith(way, read)), None)
        if way is None:
            return None
        if way != text[start:stop]:
            edits.append(TextEdit(start, stop, way))
        position, read = stop, read + len(way)
    return edits if wording[read:] == text[position:] else None


def _sites(text: str, can_edit: Callable[[int, int], bool]) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """Start and end of each site in order, without overlap, with its two ways of writing."""
    found = [(*match.span(), _OTHER[match.group()]) for match in _FORMS.finditer(text) if _is_free(text, *match.span())]
    commas = (match for match in _SERIAL.finditer(text) if _is_list(text, match))
    found += [(*match.span("comma"), _COMMA[match["comma"]]) for match in commas]
    barred = deque(match.span() for match in _BARRED.finditer(text))
    last = 0
    for start, stop, other in sorted(found):
        while barred and barred[0][1] <= start:
            barred.popleft()
        is_open = start >= last and not (barred and barred[0][0] < stop)
        if is_open and _is_english(text, start, stop) and can_edit(start, stop):
            yield start, stop, (text[start:stop], other)
            last = stop
