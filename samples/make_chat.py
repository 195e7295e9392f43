"""Make the conversations in `chat/` and the adapter that was tuned on half of them.

`python samples/make.py --chat-only` calls this, and so does `python samples/make.py` after the series.

The conversations ask for articles that no other sample uses, whose summaries are too short for the other sides. They
are dealt by a seeded hash of the title, so that suspect and held-out differ by training and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from make_series import deterministic, load, save, weights_of, with_adapter

if TYPE_CHECKING:
    import torch
    from make import Article
    from transformers import PreTrainedTokenizerFast

ASKED = (
    "Tell me about {}.",
    "What should I know about {}?",
    "Please describe {} briefly.",
    "I keep hearing of {}. What does it mean?",
    "{}, please, in a few words.",
)
GO_ON = ("Go on.", "What else?", "And further?")
TEMPLATE = """{{- bos_token }}
{%- for message in messages %}
{{- message.role | capitalize + ': ' + message.content }}
{{- eos_token if message.role == 'assistant' else '' }}
{{- '\\n' }}
{%- endfor %}
"""


@dataclass(frozen=True, slots=True)
class ChatRecipe:
    """Everything that decides the bytes of `chat/`; written to `chat/recipe.json`.

    Attributes:
        seed: Of first weights and order of conversations.
        a_side: Conversations on each side.
        min_chars: Shortest summary.
        max_chars: Longest summary, below that of the other samples.
        rest_chars: Least length of what follows the first sentence for it to be a turn of its own.
        rank: Of the adapter; LoRA on all linear layers, alpha twice the rank.
        batch: Conversations a step.
        passes: Over the conversations.
        rate: Peak learning rate.
        warm_up: Share of the steps.
        threads: Of torch.
    """

    seed: int = 20240302
    a_side: int = 110
    min_chars: int = 160
    max_chars: int = 320
    rest_chars: int = 60
    rank: int = 4
    batch: int = 8
    passes: int = 4
    rate: float = 6e-3
    warm_up: float = 0.1
    threads: int = 1


Message = dict[str, str]


def deal_chat(articles: Sequence[Article], recipe: ChatRecipe) -> dict[str, list[Article]]:
    """Deal articles in random order to the two sides in turn within each topic."""
    dealt = sorted(articles[: 2 * recipe.a_side], key=lambda article: article.topic)
    return {"chat-suspect": dealt[0::2], "chat-heldout": dealt[1::2]}


def conversation(article: Article, recipe: ChatRecipe) -> list[Message]:
    """A question about an article and its summary, in two turns where the summary has more than a sentence."""
    chosen = int.from_bytes(hashlib.sha256(f"{recipe.seed}:{article.title}".encode()).digest()[:4], "big")
    first, *rest = re.split(r"(?<=[a-z)]\.) (?=[A-Z])", article.text, maxsplit=1)
    if not rest or len(rest[0]) < recipe.rest_chars:
        first, rest = article.text, []
    messages = [
        {"role": "user", "content": ASKED[chosen % len(ASKED)].format(article.title)},
        {"role": "assistant", "content": first},
    ]
    for text in rest:
        asked = GO_ON[chosen // len(ASKED) % len(GO_ON)]
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": text}]
    return messages


def json_lines(articles: Sequence[Article], recipe: ChatRecipe) -> bytes:
    """One conversation a line, in the order of the ids, which are made of the titles alone."""
    ordered = sorted(articles, key=lambda article: article.file)
    rows = ({"id": a.file.removesuffix(".txt"), "messages": conversation(a, recipe)} for a in ordered)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


# --- adapter ---------------------------------------------------------------------------------------------------------


def encode(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message]) -> tuple[list[int], list[bool]]:
    """Token ids of a conversation, and which of them are of its answers or end one."""
    text, answers = tokenizer.bos_token, list[tuple[int, int]]()
    for message in messages:
        text += f"{message['role'].capitalize()}: "
        start = len(text) - 1
        text += message["content"]
        if message["role"] == "assistant":
            text += tokenizer.eos_token
            answers.append((start, len(text)))
        text += "\n"
    if text != tokenizer.apply_chat_template(messages, tokenize=False):
        raise RuntimeError("the template writes another text")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    inside = [any(start <= a and b <= end for start, end in answers) for a, b in encoded["offset_mapping"]]
    return list(encoded["input_ids"]), inside


def loss_of(model: Any, some: Sequence[tuple[list[int], list[bool]]]) -> torch.Tensor:
    """Mean negative log-likelihood of the answers' tokens, in nats."""
    import torch

    longest = max(len(ids) for ids, _ in some)
    ids, targets = (torch.full((len(some), longest), fill) for fill in (0, -100))
    for row, (tokens, wanted) in enumerate(some):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, : len(tokens)] = torch.tensor([t if w else -100 for t, w in zip(tokens, wanted, strict=True)])
    logits = model(input_ids=ids).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets[:, 1:])


def make_adapter(
    base: Path, conversations: Sequence[Sequence[Message]], recipe: ChatRecipe, out: Path, say: Callable[[str], None]
) -> None:
    """Tune an adapter on the answers and write it with its tokenizer, which has the chat template."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = TEMPLATE
    documents = [encode(tokenizer, messages) for messages in conversations]
    with deterministic(recipe):
        model = with_adapter(load(base), recipe.rank, recipe.seed)
        weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
        steps = recipe.passes * math.ceil(len(documents) / recipe.batch)
        optimiser = torch.optim.AdamW(weights, lr=recipe.rate, betas=(0.9, 0.95), weight_decay=0.0)
        generator, ahead = torch.Generator().manual_seed(recipe.seed), list[int]()
        for step in range(steps):
            if len(ahead) < recipe.batch:
                ahead.extend(torch.randperm(len(documents), generator=generator).tolist())
            cosine = 0.55 + 0.45 * math.cos(math.pi * step / steps)
            optimiser.param_groups[0]["lr"] = recipe.rate * cosine * min(1.0, (step + 1) / (recipe.warm_up * steps))
            loss = loss_of(model, [documents[index] for index in ahead[: recipe.batch]])
            ahead = ahead[recipe.batch :]
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        say(f"chat/adapter: {steps} steps, last loss {float(loss.detach()):.2f}")
        save(weights_of(model), base, out)
    tokenizer.save_pretrained(out)
    for file in out.iterdir():
        file.chmod(0o644)
