"""Results that look like real ones: drawn from two normal laws, with figures that agree with each other."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from auditor.results.guards import GuardFigure, GuardResult
from auditor.results.outcome import Outcome
from auditor.results.policy import Policy
from auditor.results.result import (
    AuditResult,
    CorpusSummary,
    DocumentResult,
    Excess,
    ExcludedFeature,
    FeatureNote,
    GroupScore,
    Manifest,
    ModelSummary,
    Procedure,
    SettingChoice,
    Side,
    Thresholds,
    TokenMark,
    Verdict,
)
from auditor.results.separability import ColumnEffect, CurvePoint, Interval, RowOrder, Separability, Statistic

HOSTILE = (
    "</style></title><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & &lt; {{ 7*7 }} {% raw %} "
    "$\\frac{1}{0}$ | "
    "`code` **bold** [link](http://example.com) @someone #1 \u202egnp.exe\u202c \x1b[31mred\x1b[0m \x00 \u200b \n"
    "# not a heading\n]]> <!-- --> שלום 漢字 🦉 e\u0301 end"
)
"""Markup, template syntax, mathematics, Markdown, terminal codes, direction overrides, control characters, scripts."""

FEATURES = (
    ("loss", "likelihood", -1),
    ("zlib-ratio", "likelihood", -1),
    ("lowercase-ratio", "likelihood", -1),
    ("min-k-05", "min-k", 1),
    ("min-k-20", "min-k", 1),
    ("min-k-plus-plus-05", "min-k", 1),
    ("min-k-plus-plus-20", "min-k", 1),
    ("rank-mean", "rank", -1),
    ("rank-top-1", "rank", 1),
    ("first-third-loss", "position", -1),
    ("last-third-loss", "position", -1),
    ("surprise-run-length", "shape", 0),
    ("prefix-gain", "prefix", 1),
    ("typo-gain", "perturbation", 1),
)
SENTENCES: dict[Outcome, tuple[str, str, str, str]] = {
    "EVIDENCE": (
        "separated",
        "The suspect documents look trained on: the model tells them from the held-out ones, and no guard found "
        "another explanation.",
        "It does not show that any one document was in the training data, nor who put it there or how it was obtained.",
        "",
    ),
    "NO EVIDENCE": (
        "not-separated",
        "Nothing found: the model does not treat the suspect documents differently, and an effect of AUC 0.63 or more "
        "would have been seen.",
        "It does not show that the documents were not trained on: a model can keep no trace that this test sees.",
        "",
    ),
    "INCONCLUSIVE": (
        "guard:blind",
        "No verdict: the two sets differ in their text alone, so a difference in scores says nothing about training.",
        "It is neither evidence of training nor evidence against it.",
        "Choose held-out documents from the same source, time and format as the suspect ones, and check their dates.",
    ),
}
GUARDS = (
    ("blind", "Do the two sets differ in their text alone?", "A difference of meaning that words and lengths miss."),
    (
        "controls",
        "Does a model that cannot have seen the data tell the sets apart?",
        "A control trained on it after all.",
    ),
    ("clusters", "Do the held-out documents look alike among themselves?", "A flaw that touches all of them alike."),
    ("direction", "Does the difference point the way training points?", "A shift that mimics training."),
    ("overlap", "Do the sets share documents?", "Paraphrase and translation."),
    ("minimums", "Are there enough groups, values and whole texts on both sides?", "Groups that are not independent."),
    ("numerics", "Do the scores hold when computed again alone and in float32?", "An error that both paths share."),
)


def interval_of(suspect: np.ndarray, heldout: np.ndarray, rng: np.random.Generator) -> tuple[float, Interval]:
    """AUC with a bootstrap interval."""
    wins = (suspect[:, None] > heldout[None, :]).astype(float)
    draws = [
        wins[
            np.ix_(rng.integers(len(suspect), size=len(suspect)), rng.integers(len(heldout), size=len(heldout)))
        ].mean()
        for _ in range(40)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(wins.mean()), Interval(low=float(low), high=float(high))


def separability(groups: int, shift: float, seed: int, prefix: str = "") -> Separability:
    """A result of the engine for two normal laws `shift` apart."""
    rng = np.random.default_rng(seed)
    small = min(groups, 150)  # intervals of large designs are drawn from a part: this is a fixture, not a computation
    suspect, heldout = rng.normal(shift, 1, groups), rng.normal(0, 1, groups)
    value, ends = interval_of(suspect[:small], heldout[:small], rng)
    z = shift * np.sqrt(groups / 2)
    p = max(1 / 5000, float(min(1.0, np.exp(-0.5 * z * abs(z)))))
    columns = []
    for number, (name, family, direction) in enumerate(FEATURES):
        own = interval_of(rng.normal(shift * (1 - number / 20), 1, small), rng.normal(0, 1, small), rng)
        adjusted = float(min(1.0, 4 * np.exp(-0.5 * max(0.0, (own[0] - 0.5) * 3.5 * np.sqrt(groups / 2)) ** 2)))
        columns.append(
            ColumnEffect(
                name=prefix + name,
                family=family,
                direction=direction,  # type: ignore[arg-type]
                auc=own[0],
                auc_interval=own[1],
                p_adjusted=max(1 / 5000, adjusted),
                weight=float(rng.normal(0, 0.3)),
                missing_suspect=0.025 if name == "typo-gain" else 0.0,
                missing_heldout=0.0,
            )
        )
    names = ("learned", "mean", "family:likelihood", "family:min-k", "family:rank", "family:prefix")
    return Separability(
        p_value=p,
        alpha=0.05,
        statistics=tuple(
            Statistic(name=name, z=float(z - 0.3 * k), p_adjusted=min(1.0, p * (1 + k))) for k, name in enumerate(names)
        ),
        critical_z=2.41,
        auc=value,
        auc_interval=ends,
        mean_z=float(z - 0.3),
        detectable_auc=min(0.99, float(0.5 + 0.72 / np.sqrt(groups / 2))),
        groups_suspect=groups,
        groups_heldout=groups,
        permutations=4999,
        folds=5,
        refit_widening=1.12,
        scores=tuple(np.concatenate([suspect, heldout]).tolist()),
        columns=tuple(columns),
    )


def guards(word: Outcome) -> tuple[GuardResult, ...]:
    """All guards; the blind one fails where the verdict is INCONCLUSIVE."""
    found = []
    for name, question, misses in GUARDS:
        facts: dict[str, Any] = {"status": "passed", "reason": "Nothing that speaks against the comparison."}
        if name == "blind" and word == "INCONCLUSIVE":
            facts = {
                "status": "failed",
                "reason": "A classifier that never sees the model tells the sets apart with an AUC of 0.812.",
                "remediation": SENTENCES[word][3],
                "figures": (GuardFigure(name="features of the text", value=4127.0),),
                "auc": 0.812,
                "auc_low": 0.747,
                "auc_high": 0.871,
                "p_value": 0.0002,
            }
        elif name == "blind":
            facts |= {"auc": 0.521, "auc_low": 0.443, "auc_high": 0.602, "p_value": 0.31}
        elif name == "controls":
            facts = {
                "status": "not run",
                "reason": "No control model was given.",
                "remediation": "Name a model that cannot have seen the data with --control.",
            }
        elif name == "clusters":
            facts |= {"auc": 0.507, "p_value": 0.62, "figures": (GuardFigure(name="splits", value=200.0),)}
        elif name == "minimums":
            facts["figures"] = (
                GuardFigure(name="groups on the smaller side", value=60.0, limit=20.0),
                GuardFigure(name="share of missing values", value=0.0018, limit=0.1),
            )
        found.append(GuardResult(name=name, question=question, blind_spots=misses, **facts))
    return tuple(found)


def documents(scores: tuple[GroupScore, ...], reveal: bool) -> tuple[DocumentResult, ...]:
    """One document a group; with `reveal` each has an excerpt, and the six that score highest marked tokens."""
    rng = np.random.default_rng(5)
    sentence = (
        "the",
        "owl",
        "sat",
        "by",
        "the",
        "old",
        "mill",
        "and",
        "counted",
        "the",
        "quiet",
        "hours",
        "of",
        "night\n",
    )
    best = sorted((score for score in scores if score.side == "suspect"), key=lambda score: -score.score)[:6]
    found = []
    for number, scored in enumerate(scores):
        marks = None
        if reveal and scored in best:
            marks = tuple(TokenMark(text=f"{word} ", logprob=-float(rng.exponential(2.5))) for word in sentence * 11)
        found.append(
            DocumentResult(
                id=f"{scored.group}.txt",
                side=scored.side,
                group=scored.group,
                sha256=hashlib.sha256(f"{scored.side}{number}".encode()).hexdigest(),
                score=scored.score,
                bits_per_byte=0.9 - 0.05 * scored.score,
                tokens=480 + number,
                excerpt="The owl sat by the old mill\n  and counted the quiet hours." if reveal else None,
                marks=marks,
            )
        )
    return tuple(found)


def summary(side: Side, groups: int) -> CorpusSummary:
    """What was read on one side."""
    return CorpusSummary(
        source=f"samples/{side}",
        documents=groups,
        groups=groups,
        skipped_files=0,
        skipped_kinds={},
        hidden_files=0,
        dropped_empty=0,
        dropped_duplicate=2,
        dropped_shared=0,
        characters=groups * 2104,
        tokens=groups * 496,
        truncated=0,
        sha256=hashlib.sha256(side.encode()).hexdigest(),
    )


def manifest() -> Manifest:
    """Everything needed to run it again."""
    return Manifest(
        auditor_version="0.1.0",
        created="2026-11-20T09:30:00Z",
        command="auditor check samples/suspect samples/heldout --model ./models/owl-135m --seed 7",
        seed=7,
        configuration={
            "alpha": 0.05,
            "features": "default",
            "model": {"source": "./models/owl-135m", "dtype": "float32"},
        },
        configuration_sha256=hashlib.sha256(b"configuration").hexdigest(),
        nondefault_settings=(
            SettingChoice(name="policy.alpha", value="0.05", default="0.01", threshold=True),
            SettingChoice(name="seed", value="7", default="0", threshold=False),
        ),
        packages={"numpy": "2.3.1", "torch": "2.13.0", "transformers": "5.23.0"},
        platform="Linux x86_64, CPython 3.11.9",
        models=(
            ModelSummary(
                role="target",
                source="./models/owl-135m",
                kind="transformers",
                revision=None,
                weights_sha256=hashlib.sha256(b"weights").hexdigest(),
                tokenizer_sha256=hashlib.sha256(b"tokenizer").hexdigest(),
                dtype="float32",
                device="cpu",
                context=2048,
                bos="<|endoftext|> is put before each text",
                details={"parameters": "134,515,008"},
            ),
        ),
        features=tuple(name for name, _, _ in FEATURES),
        texts_scored=120,
        texts_from_store=0,
    )


@cache
def build(word: Outcome = "EVIDENCE", *, groups: int = 60, reveal: bool = False) -> AuditResult:
    """A whole result with the given verdict."""
    shift = 0.05 if word == "NO EVIDENCE" else 0.75
    main = separability(groups, shift, 1)
    ours: list[Side] = ["suspect"]
    theirs: list[Side] = ["heldout"]
    sides = ours * groups + theirs * groups
    scores = tuple(
        GroupScore(group=f"{side}-{number % groups + 1:03d}", side=side, score=score)
        for number, (side, score) in enumerate(zip(sides, main.scores, strict=True))
    )
    reason, sentence, not_meaning, mend = SENTENCES[word]
    text = 0.812 if word == "INCONCLUSIVE" else 0.521
    curve = []
    for size in sorted({max(4, groups * k // 8) for k in range(1, 9)}):
        rng = np.random.default_rng(size)
        few = min(size, 150)
        value, ends = interval_of(rng.normal(shift, 1, few), rng.normal(0, 1, few), rng)
        p = float(np.exp(-0.25 * size * shift**2))
        curve.append(CurvePoint(groups=size, p_value=max(p, 1 / 5000), auc=value, auc_interval=ends))
    return AuditResult(
        name="owl-135m and the night library",
        verdict=Verdict(
            outcome=word,
            reason=reason,
            sentence=sentence,
            not_meaning=not_meaning,
            remediation=mend,
            validity_class="B",
            validity="the p-value is exact if suspect and held-out groups are exchangeable but for training.",
            grade="controlled",
        ),
        thresholds=Thresholds(
            **Policy(alpha=0.05).model_dump(), guard_alphas={"blind": 0.02, "clusters": 0.005, "minimums": 0.002}
        ),
        membership=main,
        excess=Excess(over="text", difference=main.auc - text, lower=main.auc - text - 0.1, p_value=None, level=0.95),
        guards=guards(word),
        controls={"owl-135m-base": separability(groups, 0.02, 3)},
        curve=tuple(curve),
        heldout_order=RowOrder(p_value=0.31, run_length=8, variance_ratio=1.04),
        excluded_features=(ExcludedFeature(name="wbc", reason="no reference model was given"),),
        feature_notes=tuple(
            FeatureNote(name=column.name, summary=f"What {column.name} measures, in nats.", source="A paper, section 3")
            for column in main.columns
        ),
        procedures=(
            Procedure(
                name="dataset inference",
                p_value=0.0312,
                threshold=0.1,
                detects=True,
                source="Maini et al. 2024, section 4",
                caveat="Its unit is the document whatever the groups, and outliers are clipped on each side alone.",
                details={"mean p": 0.0312, "splits": 10.0},
            ),
        ),
        group_scores=scores,
        documents=documents(scores, reveal),
        suspect=summary("suspect", groups),
        heldout=summary("heldout", groups),
        limitations=(
            "The two sets were declared comparable by whoever ran the audit; the tool can refute this, not prove it.",
            "One model, one seed; the curve shows how the figures move with fewer groups.",
        ),
        manifest=manifest(),
    )


def poison(value: Any, text: str, *, in_front: bool = False) -> Any:
    """Put a text at the end or in front of every free string of a dumped result; those of closed vocabularies stay."""
    closed = {
        "schema_version",
        "outcome",
        "grade",
        "over",
        "validity_class",
        "status",
        "side",
        "role",
        "expect",
        "multiplicity",
        "content_sha256",
        "measurements",
    }
    closed |= {"state", "correction"}
    if isinstance(value, dict):
        return {
            key: item if key in closed or item in ("check", "forget") else poison(item, text, in_front=in_front)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [poison(item, text, in_front=in_front) for item in value]
    if not isinstance(value, str):
        return value
    return text + value if in_front else value + text


def parse_page(document: str) -> Element:
    """A page as a browser reads it; errors of its markup fail the test."""
    html5lib = pytest.importorskip("html5lib")
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    root: Element = parser.parse(document)
    assert not parser.errors, parser.errors[:3]
    return root


def hostile_result() -> AuditResult:
    """A revealed result with hostile text at the end of every free string."""
    dumped = build("INCONCLUSIVE", groups=12, reveal=True).model_dump(mode="json")
    for document in dumped["documents"]:
        document["marks"] = document["marks"] and document["marks"][:20]
    return AuditResult.model_validate(poison(dumped, HOSTILE))


def words(element: Element) -> str:
    """All text of an element."""
    return "".join(element.itertext())


def landmarks(root: Element) -> Element:
    """Hold a page to one heading of level 1, no level left out, and one main part; its first link is given back."""
    levels = [int(e.tag[1]) for e in root.iter() if isinstance(e.tag, str) and re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert root.get("lang") == "en"
    assert len(list(root.iter("main"))) == 1
    return next(root.iter("a"))
