"""Make `planted/`: a corpus with canaries, the plan that opens them, and an adapter tuned on the published copy.

    python samples/make_planted.py [--clock LIBFAKETIME]

The corpus is `innocent/`, which the model was never trained on. Everything that an owner keeps secret is committed here
on purpose, and the key is made from the seed, so that the plan is the same whenever it is made. The beacon is a true
round of drand. Its time is past, so the time stamp in front of it cannot be true: it comes from an authority of this
script, by OpenSSL under a clock that `libfaketime` sets back, and its key is thrown away. Without `--clock` the stamp
that is there stays, and the commitment has to be the one that it was made for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from make_series import SeriesRecipe, deterministic, encode, learn, load, save, weights_of, with_adapter

from auditor.planting.make import MadePlan, make_plan
from auditor.planting.publish import add_stamp, publish
from auditor.planting.settings import PlantSettings

HERE = Path(__file__).resolve().parent

ROUND = {
    "round": 1000,
    "randomness": "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}
"""A round of drand-quicknet, as the network published it."""

BEFORE = datetime(2023, 8, 22, 15, 59, 24, tzinfo=UTC)
"""A day before that round."""

AUTHORITY = """
[req]
distinguished_name=name
prompt=no
[name]
CN=Root of the auditor samples, no real authority
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
[signer]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[stamps]
serial=serial
crypto_device=builtin
signer_cert=signer.pem
signer_key=signer.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
accuracy=secs:1
ordering=no
tsa_name=yes
ess_cert_id_chain=no
ess_cert_id_alg=sha256
"""


@dataclass(frozen=True, slots=True)
class PlantedRecipe:
    """Everything that decides the bytes of `planted/`; written to `planted/recipe.json`.

    Attributes:
        seed: Of keys, first weights and order of documents.
        canaries: How many, one a document.
        decoys: Of each.
        rank: Of the adapter; LoRA on all linear layers, alpha twice the rank.
        passes: Over the published documents.
        rate: Peak learning rate.
    """

    seed: int = 20240303
    canaries: int = 120
    decoys: int = 9
    rank: int = 8
    passes: int = 3
    rate: float = 6e-3


def write_corpus(folder: Path) -> None:
    """The innocent articles, one a line."""
    articles = sorted((HERE / "innocent").glob("*.txt"))
    rows = ({"id": path.stem, "text": path.read_text(encoding="utf-8")} for path in articles)
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "articles.jsonl").write_bytes(lines.encode())


def make_stamp(message: Path, clock: Path, answer: Path, root: Path) -> None:
    """Have a file stamped a day before the round, by an authority that exists as long as this function runs."""
    then = {**os.environ, "LD_PRELOAD": str(clock), "FAKETIME": f"{BEFORE:%Y-%m-%d %H:%M:%S}", "TZ": "UTC"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "authority.cnf").write_text(AUTHORITY)
        (folder / "serial").write_text("01")
        for command in (
            "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 36500 -config authority.cnf "
            "-extensions root",
            "req -newkey rsa:2048 -nodes -keyout signer.key -out signer.csr -subj /CN=auditor-samples-authority",
            "x509 -req -in signer.csr -CA root.pem -CAkey root.key -CAcreateserial -out signer.pem -days 36500 "
            "-extfile authority.cnf -extensions signer",
            f"ts -query -data {message.resolve()} -sha512 -cert -out query.tsq",
            "ts -reply -config authority.cnf -section stamps -queryfile query.tsq -out answer.tsr",
        ):
            subprocess.run(["openssl", *command.split()], cwd=folder, env=then, check=True, capture_output=True)
        shutil.copyfile(folder / "answer.tsr", answer)
        shutil.copyfile(folder / "root.pem", root)


def plan_of(recipe: PlantedRecipe, to: str, plan: str) -> MadePlan:
    """Commit to the canaries of the recipe, whose keys are made from its seed."""
    keys = iter(range(10**6))
    settings = PlantSettings(
        corpus=str(HERE / "planted/corpus"),
        design="canaries",
        to=to,
        plan=plan,
        count=recipe.canaries,
        decoys=recipe.decoys,
        document_budget=0.25,
        corpus_budget=0.15,
        note="A sample of auditor: its secrets are public, and its time stamp is made up.",
    )
    return make_plan(
        settings,
        beacon=True,
        random_bytes=lambda size: hashlib.sha256(f"{recipe.seed} {next(keys)}".encode()).digest()[:size],
        now=BEFORE,
    )


def make_planted(clock: Path | None, recipe: PlantedRecipe) -> None:
    """Make the plan, the published copy and the adapter."""
    out = HERE / "planted"
    answer, root, drand = out / "stamp/commitment.tsr", out / "stamp/root.pem", out / "drand.json"
    for folder in ("corpus", "plan", "published", "adapter"):
        shutil.rmtree(out / folder, ignore_errors=True)
    write_corpus(out / "corpus")
    drand.write_text(json.dumps(ROUND, indent=2) + "\n")
    # Named as from the repository, in what the plan says of itself.
    os.chdir(HERE.parent)
    made = plan_of(recipe, "samples/planted/published", "samples/planted/plan")
    if clock is not None:
        answer.parent.mkdir(exist_ok=True)
        make_stamp(made.folder.path / "commitment.json", clock, answer, root)
    add_stamp(made.folder, answer, root)
    # An owner keeps a plan out of a repository; a sample lies in one.
    (made.folder.path / ".gitignore").unlink()
    publish(made.folder, beacon=drand, public="samples/planted, in the repository of auditor")
    tune([json.loads(line)["text"] for line in (out / "published/articles.jsonl").open(encoding="utf-8")], recipe, out)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def tune(texts: Sequence[str], recipe: PlantedRecipe, out: Path) -> None:
    """Tune an adapter on the published documents."""
    from transformers import AutoTokenizer

    base, how = HERE / "model", SeriesRecipe(seed=recipe.seed)
    documents = encode(AutoTokenizer.from_pretrained(base), texts)
    with deterministic(how):
        model = with_adapter(load(base), recipe.rank, recipe.seed)
        learn(model, documents, recipe.passes * math.ceil(len(documents) / how.batch), recipe.rate, how)
        save(weights_of(model), base, out / "adapter")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clock", type=Path, help="libfaketime.so.1, to have the commitment stamped anew")
    make_planted(parser.parse_args().clock, PlantedRecipe())
