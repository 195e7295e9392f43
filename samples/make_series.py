"""Make the series of checkpoints in `series/`: five adapters over `model/`, each with a history that is known.

`python samples/make.py` calls this after the model; `python samples/make.py --series-only` makes the series alone.

The model never saw the documents of the series. One adapter learns 200 of them; three go on from it, to other texts, to
forgetting on purpose and to ruin; one learns other texts only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

ARMS = ("acquired", "fading", "suppressed", "never", "collapsed")
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
Tokens = list[int]


@dataclass(frozen=True, slots=True)
class SeriesRecipe:
    """Everything that decides the bytes of the series; written to `series/recipe.json`.

    Attributes:
        seed: Of first weights, order of documents and noise.
        rank: Of the adapters; LoRA on all linear layers, alpha twice the rank.
        batch: Documents a step.
        passes: Over the later documents, for `acquired`.
        rate: Peak learning rate of `acquired` and `never`.
        fading_passes: Over the other texts, for `fading`.
        fading_rate: Its peak learning rate.
        hiding_rank: Of the part that `suppressed` adds to `acquired`.
        hiding_rate: Learning rate of that part, constant.
        hiding_retain: Weight of the loss on other texts, over that of the push.
        hiding_check: Steps between two looks at the trace.
        hiding_steps: Most steps; not to get there is an error.
        hidden_auc: Where the push stops: AUC of the loss, later against held-out documents.
        ruin_noise: Standard deviation of the first noise on the weights of `acquired`, over that of each matrix.
        ruin_growth: By what the noise grows until the model is ruined.
        ruined: Loss on the general texts, over that of the model, at which it is.
        warm_up: Share of the steps of `acquired`, `never` and `fading`.
        threads: Of torch.
    """

    seed: int = 20240301
    rank: int = 16
    batch: int = 8
    passes: int = 5
    rate: float = 6e-3
    fading_passes: int = 1
    fading_rate: float = 2e-3
    hiding_rank: int = 2
    hiding_rate: float = 2e-3
    hiding_retain: float = 1.2
    hiding_check: int = 5
    hiding_steps: int = 200
    hidden_auc: float = 0.52
    ruin_noise: float = 1.0
    ruin_growth: float = 1.3
    ruined: float = 1.55
    warm_up: float = 0.1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class SeriesTexts:
    """The sides of a series, none of which the model was trained on.

    Attributes:
        later: What `acquired` learns: the suspect documents.
        heldout: Never learned by any checkpoint; read to know when the later ones are hidden.
        general: The same, for the drift of the models and for reminders; on no side.
        other: What `never` and `fading` learn.
    """

    later: Sequence[str]
    heldout: Sequence[str]
    general: Sequence[str]
    other: Sequence[str]


# --- training --------------------------------------------------------------------------------------------------------


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[Tokens]:
    """Token ids of each text, from BOS to EOS."""
    return [[*tokenizer(text)["input_ids"], tokenizer.eos_token_id] for text in texts]


def losses(model: Any, documents: Sequence[Tokens]) -> torch.Tensor:
    """Mean negative log-probability a token of each document, in nats; shape (documents,)."""
    import torch

    longest = max(map(len, documents))
    ids, targets = (torch.full((len(documents), longest), fill) for fill in (0, -100))
    for row, document in enumerate(documents):
        ids[row, : len(document)] = targets[row, : len(document)] = torch.tensor(document)
    # Padding stands on the right and needs no mask: a causal model does not look ahead.
    logits = model(input_ids=ids).logits[:, :-1]
    each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets[:, 1:], reduction="none")
    return each.sum(dim=1) / (targets[:, 1:] >= 0).sum(dim=1)


def score(model: Any, documents: Sequence[Tokens], at_once: int = 25) -> torch.Tensor:
    """`losses` without gradients and without the EOS that a document is trained with, in batches of like length."""
    import torch

    order = sorted(range(len(documents)), key=lambda i: len(documents[i]))
    found = torch.zeros(len(documents))
    with torch.inference_mode():
        for start in range(0, len(order), at_once):
            some = order[start : start + at_once]
            found[some] = losses(model, [documents[i][:-1] for i in some])
    return found


def auc(suspect: torch.Tensor, heldout: torch.Tensor) -> float:
    """Share of pairs in which the suspect document has the lower loss, ties half."""
    difference = heldout[None, :] - suspect[:, None]
    return float(((difference > 0).double() + 0.5 * (difference == 0).double()).mean())


def batches(documents: Sequence[Tokens], size: int, seed: int) -> Iterator[list[Tokens]]:
    """Batches without end, every document once a pass, each pass in its own order."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    ahead: list[int] = []
    while True:
        while len(ahead) < size:
            ahead.extend(torch.randperm(len(documents), generator=generator).tolist())
        yield [documents[i] for i in ahead[:size]]
        ahead = ahead[size:]


def descend(
    model: Any, loss_of: Callable[[int], torch.Tensor], rate: Callable[[int], float], done: Callable[[int], bool]
) -> int:
    """AdamW steps on a model until `done(step)`, which is asked before each; gives the number of steps."""
    import torch

    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate(0), betas=(0.9, 0.95), weight_decay=0.0)
    step = 0
    while not done(step):
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        torch.autograd.backward(loss_of(step))
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
    return step


def learn(model: Any, documents: Sequence[Tokens], steps: int, rate: float, recipe: SeriesRecipe) -> None:
    """Train on documents: warm-up, then a cosine down to a tenth."""
    supply = batches(documents, recipe.batch, recipe.seed)
    warm_up = recipe.warm_up * steps

    def at(step: int) -> float:
        cosine = 0.55 + 0.45 * math.cos(math.pi * step / steps)
        return rate * cosine * min(1.0, (step + 1) / warm_up)

    descend(model, lambda step: losses(model, next(supply)).mean(), at, lambda step: step == steps)


# --- arms ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def deterministic(recipe: SeriesRecipe) -> Iterator[None]:
    """Fix all that torch lets vary between two runs on one machine, and put it back."""
    import torch

    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    strict = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(recipe.threads)
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def load(base: Path) -> LlamaForCausalLM:
    """The model that the adapters are for."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base, dtype="float32")


def with_adapter(model: Any, rank: int, seed: int) -> Any:
    """The model under a new adapter that changes nothing yet; its weights alone can be trained."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(LAYERS), bias="none", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def weights_of(model: Any) -> dict[str, torch.Tensor]:
    """A copy of an adapter's weights, by the names PEFT saves them under."""
    from peft import get_peft_model_state_dict

    return {name: weight.detach().clone() for name, weight in get_peft_model_state_dict(model).items()}


def adapted(base: Path, weights: dict[str, torch.Tensor]) -> Any:
    """The model under an adapter with such weights."""
    from peft import set_peft_model_state_dict

    rank = next(weight.shape[0] for name, weight in weights.items() if "lora_A" in name)
    model = with_adapter(load(base), rank, seed=0)
    set_peft_model_state_dict(model, weights)
    return model


def side_by_side(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """One adapter that does what two do together: ranks add up, alpha over rank is the same for all."""
    import torch

    return {name: torch.cat([first[name], second[name]], dim=0 if "lora_A" in name else 1) for name in first}


def hide(
    base: Path, acquired: dict[str, torch.Tensor], texts: dict[str, list[Tokens]], recipe: SeriesRecipe
) -> dict[str, torch.Tensor]:
    """Make the model forget on purpose, by a second adapter of low rank while what was learned stays where it is.

    Gradient ascent on the later documents and descent on other texts, until the loss no longer tells later from
    held-out documents. What makes it shallow is that the retained texts weigh little more than the push: the second
    adapter finds a way to be a little worse at all texts of this kind, and worst at those learned.

    Raises:
        RuntimeError: It still does after `hiding_steps`.
    """
    model = with_adapter(adapted(base, acquired).merge_and_unload(), recipe.hiding_rank, recipe.seed + 1)
    pushed, kept = (batches(texts[side], recipe.batch, recipe.seed + 1) for side in ("later", "other"))

    def loss(_: int) -> torch.Tensor:
        return recipe.hiding_retain * losses(model, next(kept)).mean() - losses(model, next(pushed)).mean()

    def hidden(step: int) -> bool:
        if step % recipe.hiding_check:
            return False
        if auc(score(model, texts["later"]), score(model, texts["heldout"])) <= recipe.hidden_auc:
            return True
        if step >= recipe.hiding_steps:
            raise RuntimeError(f"the trace is still there after {step} steps: change the recipe")
        return False

    descend(model, loss, lambda _: recipe.hiding_rate, hidden)
    return side_by_side(acquired, weights_of(model))


def ruin(
    base: Path, acquired: dict[str, torch.Tensor], texts: dict[str, list[Tokens]], recipe: SeriesRecipe
) -> dict[str, torch.Tensor]:
    """Add more and more noise to the weights of an adapter, until general texts cost `ruined` times as much."""
    import torch
    from peft import set_peft_model_state_dict

    whole = float(score(load(base), texts["general"]).mean())
    model, generator = adapted(base, acquired), torch.Generator().manual_seed(recipe.seed + 2)
    noise = {name: w.std() * torch.randn(w.shape, generator=generator) for name, w in sorted(acquired.items())}
    scale, ruined = recipe.ruin_noise, acquired
    while float(score(model, texts["general"]).mean()) < recipe.ruined * whole:
        ruined = {name: weight + scale * noise[name] for name, weight in acquired.items()}
        set_peft_model_state_dict(model, ruined)
        scale *= recipe.ruin_growth
    return ruined


def save(weights: dict[str, torch.Tensor], base: Path, folder: Path) -> None:
    """Write an adapter as PEFT reads it: the base by a path relative to the folder, no tokenizer, no card."""
    from safetensors.torch import save_file

    rank = next(weight.shape[0] for name, weight in weights.items() if "lora_A" in name)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": Path(os.path.relpath(base, folder)).as_posix(),
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "target_modules": list(LAYERS),
        "bias": "none",
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    file = folder / "adapter_model.safetensors"
    save_file({name: weight.contiguous() for name, weight in sorted(weights.items())}, file, metadata={"format": "pt"})
    file.chmod(0o644)  # safetensors writes files that only their owner can read


def make_arms(
    base: Path,
    texts: SeriesTexts,
    recipe: SeriesRecipe,
    out: Path,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Make the five adapters, each in the folder of `out` that has its name.

    Args:
        base: Folder of the model, with its tokenizer.
        texts: The sides.
        recipe: Every number, the seed among them.
        out: Where the folders go; another series there is overwritten.
        say: Told of each adapter as it is written.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokens = {side: encode(tokenizer, getattr(texts, side)) for side in ("later", "heldout", "general", "other")}
    steps = recipe.passes * len(tokens["later"]) // recipe.batch
    fading_steps = recipe.fading_passes * len(tokens["other"]) // recipe.batch

    def learned(side: str) -> dict[str, torch.Tensor]:
        model = with_adapter(load(base), recipe.rank, recipe.seed)
        learn(model, tokens[side], steps, recipe.rate, recipe)
        return weights_of(model)

    def faded(acquired: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        model = adapted(base, acquired)
        learn(model, tokens["other"], fading_steps, recipe.fading_rate, recipe)
        return weights_of(model)

    started = time.monotonic()
    with deterministic(recipe):
        acquired = learned("later")
        ways: dict[str, Callable[[], dict[str, torch.Tensor]]] = {
            "acquired": lambda: acquired,
            "fading": lambda: faded(acquired),
            "suppressed": lambda: hide(base, acquired, tokens, recipe),
            "never": lambda: learned("other"),
            "collapsed": lambda: ruin(base, acquired, tokens, recipe),
        }
        for arm in ARMS:
            save(ways[arm](), base, out / arm)
            digest = hashlib.sha256((out / arm / "adapter_model.safetensors").read_bytes()).hexdigest()
            say(f"{arm}: sha256 {digest}, {time.monotonic() - started:.0f} s")
