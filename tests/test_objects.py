"""A Tokenizer is a value: it can be copied, compared, hashed, pickled, shared by threads and taken across a fork."""

import copy
import multiprocessing
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given

from . import strategies
from .backends import child

MERGES = [(b"l", b"o"), (b"lo", b"w"), (b" ", b"low")]
BYTES = {bytes([byte]): byte for byte in range(256)}


def made(toklet: Any) -> list[Any]:
    return [
        toklet.Tokenizer.from_merges(MERGES, pattern="o200k", special_tokens=["<s>"]),
        toklet.Tokenizer.from_merges(MERGES[:2], pattern="o200k", special_tokens=["<s>"]),
        toklet.Tokenizer.from_merges(MERGES, pattern="gpt2", special_tokens=["<s>"]),
        toklet.Tokenizer.from_merges(MERGES, pattern="o200k", special_tokens=["</s>"]),
        toklet.Tokenizer.from_merges(MERGES, pattern="o200k"),
        toklet.Tokenizer.from_ranks(BYTES | {b"lo": 256, b"low": 257, b" low": 258}, pattern="o200k", special_tokens={"<s>": 259}),
    ]


def test_tokenizers_are_equal_if_their_tables_are(toklet: Any) -> None:
    for i, one in enumerate(made(toklet)):
        for j, other in enumerate(made(toklet)):
            assert (one == other) == (i == j)
            assert hash(one) == hash(other) or i != j
    assert made(toklet)[0] != "a tokenizer"
    assert len(set(made(toklet) + made(toklet))) == 6


@given(merges=strategies.merges(), names=strategies.specials())
def test_a_pickle_is_equal(toklet: Any, merges: list[tuple[bytes, bytes]], names: list[str]) -> None:
    tok = toklet.Tokenizer.from_merges(merges, pattern="cl100k", special_tokens=names)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        again = pickle.loads(pickle.dumps(tok, protocol))
        assert again == tok
        assert hash(again) == hash(tok)
        assert again.merges == tok.merges


@given(ranks=strategies.ranks())
def test_a_pickle_of_ranks_is_equal(toklet: Any, ranks: dict[bytes, int]) -> None:
    tok = toklet.Tokenizer.from_ranks(ranks, pattern="gpt2", special_tokens={"<s>": 2**20 - 1})
    again = pickle.loads(pickle.dumps(tok))
    assert again == tok
    assert again.encode("abab low").tolist() == tok.encode("abab low").tolist()


def test_copies_are_the_same(toklet: Any) -> None:
    for tok in made(toklet):
        assert copy.copy(tok) == copy.deepcopy(tok) == tok
        assert copy.deepcopy([tok, tok])[0] == tok


def test_a_tokenizer_is_frozen(toklet: Any) -> None:
    tok = made(toklet)[0]
    for name in ("pattern", "vocab_size", "merges", "_core", "anything"):
        with pytest.raises(AttributeError):
            setattr(tok, name, 1)
    with pytest.raises(AttributeError):
        del tok._core
    tok.special_tokens["new"] = 1
    tok.tokens[b"new"] = 1
    tok.merges.append((b"n", b"w"))
    assert tok == made(toklet)[0]


def test_a_tokenizer_does_not_change_with_what_it_was_made_of(toklet: Any) -> None:
    merges, names, ranks, specials = list(MERGES), ["<s>"], dict(BYTES), {"<s>": 256}
    one = toklet.Tokenizer.from_merges(merges, pattern="o200k", special_tokens=names)
    other = toklet.Tokenizer.from_ranks(ranks, pattern="o200k", special_tokens=specials)
    before = pickle.dumps(one), pickle.dumps(other)
    merges.append((b"x", b"y"))
    names.append("<t>")
    ranks[b"xy"] = 300
    specials["<t>"] = 301
    assert (pickle.dumps(one), pickle.dumps(other)) == before


def test_its_repr_is_short_and_says_what_it_is(toklet: Any) -> None:
    assert repr(made(toklet)[0]) == "<Tokenizer vocab_size=260 pattern='o200k' special_tokens=['<s>']>"


def test_a_tokenizer_travels_to_another_process(toklet: Any) -> None:
    script = "import pickle, sys, toklet; tok = pickle.loads(bytes.fromhex(sys.argv[1])); print(toklet.backend, tok.encode('low low').tolist())"
    done = child(toklet, script, pickle.dumps(made(toklet)[0]).hex())
    assert (done.stderr, done.stdout) == ("", f"{toklet.backend} [257, 258]\n")


def test_threads_may_share_one_tokenizer(toklet: Any) -> None:
    """16 threads encode, decode, stream, train and count with the same objects: no error, and what one thread alone gets."""
    tok, sampler = made(toklet)[0], toklet.Sampler(seed=3)
    texts = [f"low lower {n} slow<s>é中" * (n % 5 + 1) for n in range(40)]
    counts = toklet.count(texts)

    def work(n: int) -> Any:
        text = texts[n % len(texts)]
        ids = tok.encode(text)
        stream = tok.stream()
        streamed = "".join([*(stream.push(id) for id in ids.tolist()), stream.end()])
        return (
            ids.tolist(),
            tok.decode(ids) == streamed == text,
            tok.count_batch(texts[:5]).tolist(),
            sampler.sample([0.0] * 50, n),
            len(counts.train(270).merges),
        )

    expected = [work(n) for n in range(80)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, list(range(80)) * (5 if toklet.backend == "native" else 1))) == expected * (5 if toklet.backend == "native" else 1)


def test_one_stream_may_be_shared_by_threads_without_harm(toklet: Any) -> None:
    """What comes out is in no order, but nothing is lost and nothing breaks."""
    stream = made(toklet)[0].stream()
    with ThreadPoolExecutor(8) as pool:
        pieces = list(pool.map(stream.push, [97 + n % 26 for n in range(2_000)]))
    assert sorted("".join(pieces)) == sorted(chr(97 + n % 26) for n in range(2_000))


def test_hostile_iterators_may_use_the_tokenizer_they_feed(toklet: Any) -> None:
    tok = made(toklet)[0]

    def texts() -> Any:
        for n in range(3):
            yield "low" * int(tok.encode_batch(["low"]).offsets[-1] + n)

    assert [ids.tolist() for ids in tok.encode_batch(texts())] == [[257], [257, 257], [257, 257, 257]]
    assert toklet.count(texts()).total == 3


FORK = """
import os, sys, threading, time, toklet
tok = toklet.train(["low lower lowest slow é"] * 50, 280)
texts = ["low lower slow " * 200] * 40
expected = tok.encode_batch(texts).ids.tolist()
busy = threading.Thread(target=lambda: [tok.encode_batch(texts) for _ in range(10**9)], daemon=True)
if sys.argv[1] == "during":
    busy.start()
for _ in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        right = tok.encode_batch(texts).ids.tolist() == expected and toklet.count(texts).total == 24_000
        os._exit(0 if right else 3)
    end = time.monotonic() + 20
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(pid, 9)
            print("hung")
            os._exit(1)
        time.sleep(0.001)
print("done", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("when", ["after", "during"])
def test_a_fork_after_and_during_parallel_work_works(toklet: Any, when: str) -> None:
    done = child(toklet, FORK, when, 25 if toklet.backend == "native" else 3)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_of_processes_takes_a_tokenizer(toklet: Any, method: str) -> None:
    script = (
        "import multiprocessing, sys, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "import toklet\n"
        "tok = toklet.Tokenizer.from_merges([(b'l', b'o')], pattern='gpt2')\n"
        "with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:\n"
        "    print([ids.tolist() for ids in pool.map(tok.encode, ['lo', 'low'])])\n"
    )
    assert method in multiprocessing.get_all_start_methods()
    done = child(toklet, script, method)
    assert done.stdout == "[[256], [256, 119]]\n", done.stderr


def test_the_public_names_are_those_that_are_promised(toklet: Any) -> None:
    for name in toklet.__all__:
        assert name == "__version__" or hasattr(toklet, name)  # an installed package alone has a version
    assert set(toklet.patterns) == {"gpt2", "cl100k", "o200k", "qwen2", "qwen3.5", "tekken", "deepseek_v3", "cl100k_end", "lines"}
    assert toklet.backend in ("native", "reference")


def test_importing_loads_nothing_that_is_not_needed(toklet: Any) -> None:
    done = child(toklet, "import sys, toklet; print(*sys.modules)")
    loaded = set(done.stdout.split())
    assert not {"argparse", "tqdm", "pyarrow", "importlib.metadata", "tiktoken", "tokenizers", "unicodedata2", "regex", "multiprocessing"} & loaded
    assert "toklet.cli" not in loaded
    assert sys.version_info >= (3, 11)


def test_running_the_package_is_running_its_command(toklet: Any) -> None:
    done = child(toklet, "import runpy, sys; sys.argv = ['toklet', '--version']; runpy.run_module('toklet', run_name='__main__')")
    assert done.returncode == 0
    assert toklet.backend in done.stdout
