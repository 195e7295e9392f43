"""Which architectures give a text a likelihood token by token, and the reasons why others do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError
from auditor.models.digests import Memo, recall_or


@dataclass(frozen=True, slots=True)
class Architectures:
    """What the transformers library implements.

    Attributes:
        types: Every model_type.
        causal_types: Those of causal language models.
        causal: Classes of causal language models, also of those that read images or sound besides text.
        translating_types: Those whose models read a source with an encoder.
        bodies: Classes without a head.
    """

    types: list[str]
    causal_types: list[str]
    causal: list[str]
    translating_types: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()


def known_architectures(memo: Memo) -> Architectures:
    """What the installed transformers implements, remembered as long as none of its files of names changes.

    The names are remembered and never a decision about a model, so that a refusal depends on the model alone.
    """
    spec = find_spec("transformers")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = sorted(path for folder in folders for path in Path(folder, "models", "auto").glob("*.py"))
    if not files:
        return Architectures(**json.loads(_architectures()))
    question = f"language models of transformers {version('transformers')}"
    return Architectures(**json.loads(recall_or(memo, question, files, _architectures)))


def _architectures() -> str:
    # Importing transformers takes seconds.
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    causal, seeing, translating = _mappings()
    speaking = {kind: name for kind, name in translating.items() if kind in _SPEAKING}
    scoring = {**translating, **modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES}
    both = [name for mapping in (causal, seeing, speaking) for name in mapping.values() if isinstance(name, str)]
    bodies = [name for name in modeling_auto.MODEL_MAPPING_NAMES.values() if isinstance(name, str)]
    return json.dumps(
        {
            "types": [*CONFIG_MAPPING_NAMES],
            "causal_types": [*dict.fromkeys([*causal, *seeing, *speaking])],
            "causal": [*dict.fromkeys(both)],
            "translating_types": [kind for kind in scoring if kind not in seeing and kind not in speaking],
            "bodies": [*dict.fromkeys(bodies)],
        }
    )


# transformers lists these decoders with a sound tower among the models that translate.
_SPEAKING = ("audioflamingo3", "musicflamingo")


def _mappings() -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    """Classes by model_type: causal language models, those with an image or sound tower, those that translate."""
    from transformers.models.auto import modeling_auto as auto

    pictures = auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    seeing = {**pictures, **getattr(auto, "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES", {})}
    return auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, seeing, auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES


def auto_class(config: Any) -> Any:
    """The class of transformers that opens the language model of a configuration, its image or sound tower included."""
    import transformers

    causal, seeing, speaking = _mappings()
    several = getattr(transformers, "AutoModelForMultimodalLM", transformers.AutoModelForImageTextToText)
    kind, names = config.model_type, config.architectures or ()
    openers = (
        (causal, transformers.AutoModelForCausalLM),
        (seeing, several),
        (speaking, transformers.AutoModelForSeq2SeqLM),
    )
    for mapping, opener in openers:
        if mapping.get(kind) in names:
            return opener
    # The text part of a larger model, saved by itself, has a type that no automatic class lists.
    for name in {*causal.values(), *seeing.values()}.intersection(names):
        named = getattr(transformers, name, None)
        if getattr(getattr(named, "config_class", None), "model_type", None) == kind:
            return named
    return next((opener for mapping, opener in openers if kind in mapping), transformers.AutoModelForCausalLM)


def require_causal(config: dict[str, Any], source: str, memo: Memo) -> None:
    """Refuse anything but a causal language model that the transformers library can open.

    A class of another name is accepted where transformers has a causal language model of that model_type and the model
    brings no code of its own; whether the weights are those of that class is seen when it is loaded.

    Args:
        config: The parsed config.json.
        source: Name of the model in messages.
        memo: Remembers the models that transformers knows.

    Raises:
        UsageError: Encoder-decoder, classifier, masked or unknown model, or one that brings its own code.
    """
    known = known_architectures(memo)
    kind = str(config.get("model_type", ""))
    names = [str(name) for name in config.get("architectures") or []]
    shown = ", ".join(names) or kind
    own_code = UsageError(
        f"{source} brings its own model code (auto_map in config.json), which is never run",
        hint="Use a checkpoint of an architecture that transformers itself implements.",
    )
    if kind not in known.types:
        if config.get("auto_map"):
            raise own_code
        raise UsageError(f"{source}: unknown model_type {kind!r}", hint="A newer transformers may know it.")
    if any(part.get("is_encoder_decoder") for part in _parts(config)):
        raise _refused(source, shown, _TRANSLATES)
    if (set(names) & set(known.causal)) or (not names and kind in known.causal_types):
        return
    reason = next((reason for name in names for pattern, reason in _REASONS if re.search(pattern, name)), "")
    if kind in known.translating_types and not reason and kind not in known.causal_types:
        reason = _TRANSLATES
    if not reason and set(names) & set(known.bodies):
        reason = _NO_HEAD
    if not reason and kind in known.causal_types:
        if config.get("auto_map"):
            raise own_code
        return
    raise _refused(source, shown, reason or f"transformers has no causal language model of the type {kind!r}")


_TRANSLATES = "it reads a source with an encoder and writes an answer to it, so a text alone has no likelihood under it"
_NO_HEAD = "it ends in hidden states, as embedding models do, and has no head that predicts tokens"
_REASONS = (
    (
        r"MaskedLM$",
        "it fills in masked tokens from what is on both sides of them, and does not read from left to right",
    ),
    (r"Classification$|MultipleChoice$|Sentence\w*Prediction$", "its head gives a text labels, not its next token"),
    (r"Reward\w*$|Regression$|Scor\w+$", "its head gives a text a score, not its next token"),
    (r"QuestionAnswering$", "its head marks the answer in a text, and does not predict the next token"),
    (r"Detection$|Segmentation$|Recognition$|Retrieval$|Estimation$", "it is no model of text"),
    (r"CTC$|RNNT$|TDT$", "it writes down speech, and gives no text a likelihood"),
    (r"(?<!LMHead)(?<!LM)(?<!DoubleHeads)Model$", _NO_HEAD),
)
"""What the end of a class's name says of its head."""


def _refused(source: str, shown: str, reason: str) -> UsageError:
    return UsageError(
        f"{source} is not a causal language model ({shown}): {reason}",
        hint="Audit the language model it was made from, or another one that reads from left to right.",
    )


def _parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A configuration, and those in it of its text part."""
    yield config
    for name in ("text_config", "language_config", "llm_config", "thinker_config", "decoder"):
        part = config.get(name)
        if isinstance(part, Mapping):
            yield from _parts(part)


_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "n_ctx",
    "seq_length",
    "max_sequence_length",
    "max_target_positions",
)
_PADDED_POSITIONS = frozenset(
    "camembert data2vec-text roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl xmod".split()
)
"""Types whose positions start after that of padding, so that their tables hold some that no token has."""


LEAST_CONTEXT = 8
"""Fewest tokens of a window; with fewer hardly a token has a context."""


def context_of(config: dict[str, Any], limit: int) -> int:
    """Longest window in tokens: the maximum of the configuration, at most `limit`.

    Raises:
        UsageError: The limit is too short for a token to have a context.
    """
    if limit < LEAST_CONTEXT:
        raise UsageError(f"a window of {limit} tokens is too short", hint=f"Use at least {LEAST_CONTEXT}.")
    for part in _parts(config):
        for name in _POSITIONS:
            value = part.get(name)
            if isinstance(value, int) and value > 0:
                if part.get("model_type") in _PADDED_POSITIONS:
                    padding = part.get("pad_token_id")
                    value -= 1 + (padding if isinstance(padding, int) else 1)
                return min(limit, value)
    return limit


def vocabulary_of(config: dict[str, Any]) -> int | None:
    """Number of tokens that a configuration gives the embeddings; None where it says none."""
    sizes = (part.get("vocab_size") for part in _parts(config))
    return next((size for size in sizes if isinstance(size, int)), None)


def changes_with_length(config: Mapping[str, Any]) -> bool:
    """Whether rotary factors depend on the longest row of a batch, so that windows of all lengths cannot share one."""
    kinds = (config.get("rope_type"), config.get("type"))
    parts = (part for part in config.values() if isinstance(part, Mapping))
    return any(kind in ("dynamic", "longrope", "su") for kind in kinds) or any(map(changes_with_length, parts))
