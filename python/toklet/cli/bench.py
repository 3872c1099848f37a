"""What `toklet bench` and benches/bench_kernels.py measure: each kernel by toklet, by the pure-Python reference, and by the peers that are installed.

A case is one contender at one kernel: `make` gives a tokenizer that nobody has used yet, which isn't timed, and `run` is what is timed on it. `agrees` says
whether the result is toklet's; what doesn't agree must not be timed. Every contender has one thread, gets the same texts, is called in the fastest way that
its documentation names, and decodes ids of the type that it encodes to.
"""

import importlib
import os
import random
import tempfile
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from .. import reference
from .._core import backend
from ..batch import Batch
from ..formats.huggingface import BYTES
from ..reference.split import PATTERNS
from ..sampling import Sampler
from ..tokenizer import Tokenizer
from ..training import train
from .corpus import corpus, pieces

PATTERN = "gpt2"  # the one that every peer has
PIECE = 16_384  # bytes: about how long a text is
LOGITS, DRAWS = 32_768, 10
SAMPLERS: tuple[dict[str, Any], ...] = ({"temperature": 0}, {"top_k": 50}, {"top_p": 0.95}, {"min_p": 0.05})
OURS = ("toklet", "reference") if backend == "native" else ("toklet",)  # without the native module toklet is the reference
PEERS = ("tiktoken", "tokenizers", "rustbpe", "gigatoken")


class Case(NamedTuple):
    """One contender at one kernel."""

    kernel: str
    contender: str
    amount: float  # what one run works on, in `unit`
    unit: str
    make: Callable[[], Any]
    run: Callable[[Any], Any]
    plain: Callable[[Any], Any]  # the result in the form in which results are compared
    expected: Callable[[], Any]

    def agrees(self) -> bool:
        """Say whether the result is toklet's."""
        return bool(self.plain(self.run(self.make())) == self.expected())


class Input:
    """The texts of a round, and what toklet makes of them, once each: what the others are compared with."""

    def __init__(self, texts: list[str], vocab_size: int) -> None:
        self.texts, self.vocab_size = texts, vocab_size
        self.megabytes = sum(len(text.encode()) for text in texts) / 1e6

    @classmethod
    def of(cls, path: str | None, megabytes: float, vocab_size: int) -> "Input":
        """Take a fixed random choice of the pieces of the corpus."""
        cut = [piece for text in corpus(path, None) for piece in pieces(text, PIECE)]
        random.Random(0).shuffle(cut)
        texts: list[str] = []
        left = int(megabytes * 1e6)
        for piece in cut:
            if left <= 0:
                break
            texts.append(piece[:left].decode("utf-8", "replace"))
            left -= len(piece)
        return cls(texts, vocab_size)

    @cached_property
    def tok(self) -> Tokenizer:
        """The tokenizer that toklet trains on the texts."""
        return train(self.texts, self.vocab_size, pattern=PATTERN)

    @cached_property
    def tok_as_huggingface(self) -> Tokenizer:
        """The same, with the ties of Hugging Face."""
        return train(self.texts, self.vocab_size, pattern=PATTERN, ties="huggingface")

    @cached_property
    def file(self) -> str:
        """Its tokenizer.json."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.json")
            self.tok.save(path)
            with open(path, encoding="utf-8") as file:
                return file.read()

    @cached_property
    def batch(self) -> Batch:
        """The ids of the texts."""
        return self.tok.encode_batch(self.texts)

    @cached_property
    def ids(self) -> list[list[int]]:
        """The same, as lists."""
        return [row.tolist() for row in self.batch]

    def tokenizer(self, contender: str) -> Any:
        """Make a contender's tokenizer from toklet's tables: one that nobody has used yet."""
        match contender:
            case "toklet":
                return Tokenizer.from_merges(self.tok.merges, pattern=PATTERN)
            case "reference":
                return reference.Tokenizer.from_merges(self.tok.merges, [], PATTERN)
            case "tiktoken":
                ranks = self.tok.tokens
                return importlib.import_module("tiktoken").Encoding("toklet", pat_str=PATTERNS[PATTERN], mergeable_ranks=ranks, special_tokens={})
            case "tokenizers":
                return importlib.import_module("tokenizers").Tokenizer.from_str(self.file)
            case _:
                return importlib.import_module(contender).Tokenizer.from_json(self.file.encode())


def installed() -> list[str]:
    """Give the peers that can be imported. They get one thread, which they must be told before they start."""
    os.environ.update(RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    found = []
    for name in PEERS:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


def cases(given: Input, contenders: Collection[str]) -> list[Case]:
    """Give all cases of these contenders on this input, kernel by kernel; a kernel at which only one of them takes part compares nothing."""
    made = [case for kind in (train_cases, encode_cases, decode_cases, sample_cases) for case in kind(given) if case.contender in contenders]
    kernels = [case.kernel for case in made]
    return [case for case in made if kernels.count(case.kernel) > 1]


def same(result: Any) -> Any:
    """Compare a result as it is."""
    return result


def in_order(tokens: dict[bytes, int]) -> list[bytes]:
    """List the tokens that merges made, in the order of their ids."""
    return sorted((token for token in tokens if len(token) > 1), key=tokens.__getitem__)


def train_cases(given: Input) -> Iterator[Case]:
    """Train. What comes out is compared as the tokens in the order of their ids, with toklet's for the same rule of ties."""
    texts, size = given.texts, given.vocab_size

    def huggingface_model() -> Any:
        hf = importlib.import_module("tokenizers")
        made = hf.Tokenizer(hf.models.BPE())
        made.pre_tokenizer = hf.pre_tokenizers.ByteLevel(use_regex=True, add_prefix_space=False)
        return made

    def huggingface(made: Any) -> dict[str, int]:
        hf = importlib.import_module("tokenizers")
        alphabet = hf.pre_tokenizers.ByteLevel.alphabet()
        made.train_from_iterator(texts, hf.trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=alphabet))
        return dict(made.get_vocab())

    def rustbpe(made: Any) -> Any:
        made.train_from_iterator(iter(texts), size, pattern=PATTERNS[PATTERN])
        return made

    def bytes_of(vocabulary: dict[str, int]) -> dict[bytes, int]:
        return {bytes(BYTES[c] for c in spelled): id for spelled, id in vocabulary.items()}

    def case(contender: str, make: Any, run: Any, plain: Any, ties: str = "ids") -> Case:
        def expected() -> list[bytes]:
            return in_order((given.tok if ties == "ids" else given.tok_as_huggingface).tokens)

        return Case("train", contender, given.megabytes, "MB", make, run, plain, expected)

    yield case("toklet", list, lambda _: train(texts, size, pattern=PATTERN, threads=1), lambda tok: in_order(tok.tokens))
    yield case("reference", list, lambda _: reference.train(reference.count(texts, PATTERN), size), lambda tok: in_order(tok.vocabulary.tokens))
    yield case("tokenizers", huggingface_model, huggingface, lambda vocabulary: in_order(bytes_of(vocabulary)), "huggingface")
    yield case(
        "rustbpe", lambda: importlib.import_module("rustbpe").Tokenizer(), rustbpe, lambda t: in_order({bytes(k): v for k, v in t.get_mergeable_ranks()})
    )


def encode_cases(given: Input) -> Iterator[Case]:
    """Encode the texts by the vocabulary that was trained on them."""
    texts = given.texts

    def case(contender: str, run: Any, plain: Any = same) -> Case:
        return Case("encode", contender, given.megabytes, "MB", lambda: given.tokenizer(contender), run, plain, lambda: given.ids)

    yield case("toklet", lambda tok: tok.encode_batch(texts, threads=1), lambda batch: [row.tolist() for row in batch])
    yield case("reference", lambda tok: [tok.encode(text) for text in texts])
    yield case("tiktoken", lambda tok: [tok.encode_ordinary(text) for text in texts])
    yield case("tokenizers", lambda tok: tok.encode_batch_fast(texts, add_special_tokens=False), lambda rows: [row.ids for row in rows])
    yield case("gigatoken", lambda tok: tok.encode_batch(texts, parallel=False), lambda rows: rows.to_list())


def decode_cases(given: Input) -> Iterator[Case]:
    """Decode the ids of the texts, each to a str."""

    def case(contender: str, run: Any) -> Case:
        def make() -> Any:
            return given.tokenizer(contender), list(given.batch) if contender == "toklet" else given.ids

        return Case("decode", contender, given.megabytes, "MB", make, lambda made: run(*made), same, lambda: given.texts)

    yield case("toklet", lambda tok, rows: tok.decode_batch(rows))
    yield case("reference", lambda tok, rows: [tok.decode(row) for row in rows])
    yield case("tiktoken", lambda tok, rows: [tok.decode(row) for row in rows])
    yield case("tokenizers", lambda tok, rows: tok.decode_batch(rows, skip_special_tokens=False))
    yield case("gigatoken", lambda tok, rows: [tok.decode(row).decode() for row in rows])


def sample_cases(given: Input) -> Iterator[Case]:
    """Sample from one row of logits at several positions. No peer is a tokenizer that samples."""
    import numpy as np

    logits = np.random.default_rng(0).normal(0, 3, LOGITS).astype(np.float32)
    for settings in SAMPLERS:
        (name, value), *_ = settings.items()
        ours = Sampler(**settings, seed=7)

        def expected(sampler: Sampler = ours) -> list[int]:
            return [sampler.sample(logits, position) for position in range(DRAWS)]

        def make(settings: dict[str, Any] = settings) -> Any:
            return reference.Sampler([{**settings, "seed": 7}])

        for contender, maker in (("toklet", lambda sampler=ours: sampler), ("reference", make)):
            run = lambda sampler: [sampler.sample(logits, position) for position in range(DRAWS)]  # noqa: E731
            yield Case(f"sample {name}={value}", contender, DRAWS, "draws", maker, run, same, expected)
