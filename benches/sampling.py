"""Next-token sampling beside the peers that are installed: `python benches/sampling.py`, or `--help`.

Rows of 128,256 logits go round through 16 MB, read anew before each turn, so that a row comes from the level-3 cache; everything is called from Python, on
one thread, warm. A result is compared before it is timed: ids and log-probabilities must be equal, what is drawn from must be the same set, and draws must be
distributed as it says (chi-square). The contenders of an operation take turns in short rounds; times are medians over the rounds, in microseconds a row. The
read is `numpy.max` over the same rows, the fastest pure read that numpy has.

Peaked rows are a Zipf prior (-ln rank, in a random order), noise N(0, 2), and 64 ids raised by 15 exp(-j / tau), tau log-uniform from 0.5 to 12; flat
ones are N(0, 1). Peers: numpy and torch by the shortest code that is fast (torch without `multinomial`, whose exponentials cost 2 ms); transformers' logits
processors with `multinomial`, as its `generate` runs them; llama.cpp's sampler chain, with the array of candidates filled by numpy.
"""

import argparse
import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from ctypes import c_bool
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import toklet

T, RING, TOP, P, MIN_P = 0.8, 16 << 20, 50, 0.9, 0.05
Draw = Callable[[Any, int], Any]


def optional(name: str) -> Any:
    """Import a peer, if it is there."""
    try:
        return import_module(name)
    except ImportError:
        return None


torch, transformers, llama_cpp = optional("torch"), optional("transformers"), optional("llama_cpp")


def peaked(rng: np.random.Generator, size: int) -> np.ndarray:
    x = -np.log(rng.permutation(size) + 1.0) + rng.normal(size=size) * 2
    tau = np.exp(rng.uniform(np.log(0.5), np.log(12)))
    x[rng.choice(size, 64, replace=False)] += 15 * np.exp(-np.arange(64) / tau)
    return x


def masked(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.where(rng.random(size) < 0.01, peaked(rng, size), -np.inf)


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "peaked": peaked,
    "flat": lambda rng, size: rng.normal(size=size),
    "ascending": lambda rng, size: np.sort(rng.normal(size=size) * 3),
    "descending": lambda rng, size: -np.sort(rng.normal(size=size) * 3),
    "equal": lambda rng, size: np.zeros(size),
    "masked": masked,
}


def rows(kind: str, size: int, dtype: str = "float32") -> list[np.ndarray]:
    """Rows of a kind, side by side in as much memory as the ring has."""
    rng, width = np.random.default_rng(1), 2 if dtype in ("float16", "bfloat16") else 4
    made = np.empty((max(2, RING // (size * width)), size), np.float32)
    for row in made:
        row[:] = KINDS[kind](rng, size)
    if dtype == "bfloat16":
        return list((made.view(np.uint32) >> 16).astype(np.uint16))
    return list(made.astype(dtype))


def weights(x: np.ndarray) -> np.ndarray:
    return np.exp((x - x.max()) / np.float32(T))


def pick(p: np.ndarray, rng: np.random.Generator) -> int:
    total = p.cumsum(dtype=np.float64)
    return int(np.searchsorted(total, rng.random() * total[-1], side="right"))


def nucleus(p: np.ndarray, part: float) -> np.ndarray:
    """The places of the nucleus, largest first."""
    order = np.argsort(-p, kind="stable")
    total = p[order].cumsum(dtype=np.float64)
    return order[: int(np.searchsorted(total, part * total[-1])) + 1]


def numpy_peer(op: str) -> Draw | None:
    rng = np.random.default_rng(2)

    def best(x: np.ndarray) -> np.ndarray:
        return np.argpartition(x, -TOP)[-TOP:]

    def over(ids: np.ndarray, x: np.ndarray, keep: Callable[[np.ndarray], np.ndarray] = lambda p: np.arange(len(p))) -> int:
        p = weights(x[ids])
        kept = keep(p)
        return int(ids[kept[pick(p[kept], rng)]])

    def logprobs(x: np.ndarray, _: int) -> tuple[np.ndarray, np.ndarray]:
        ids = np.argpartition(x, -20)[-20:]
        ids = ids[np.argsort(-x[ids])]
        top = x.max()
        return ids, x[ids] - top - np.log(np.exp(x - top).sum(dtype=np.float64))

    def top_p(x: np.ndarray, _: int) -> int:
        p = weights(x)
        kept = nucleus(p, P)
        return int(kept[pick(p[kept], rng)])

    return {
        "greedy": lambda x, _: int(x.argmax()),
        "temperature": lambda x, _: pick(weights(x), rng),
        "top-k": lambda x, _: over(best(x), x),
        "top-k, top-p": lambda x, _: over(best(x), x, lambda p: nucleus(p, 0.95)),
        "min-p": lambda x, _: over(np.flatnonzero(x >= x.max() + np.float32(T * np.log(MIN_P))), x),
        "top-p": top_p,
        "logprobs": logprobs,
    }.get(op)


def torch_peer(op: str) -> Draw | None:
    if torch is None:
        return None

    def draw(p: Any) -> Any:
        total = p.cumsum(-1)
        return torch.searchsorted(total, torch.rand(1) * total[-1], right=True).clamp_(max=len(p) - 1)

    def top_k(x: Any, part: float | None = None) -> int:
        values, ids = torch.topk(x, TOP)
        p = torch.softmax(values / T, -1)
        n = len(p) if part is None else int(torch.searchsorted(p.cumsum(-1), part)) + 1
        return int(ids[draw(p[:n])])

    def top_p(x: Any) -> int:
        p = torch.softmax(x / T, -1)
        values, ids = torch.topk(p, min(1_024, len(p)))
        if float(values.sum()) < P:
            values, ids = torch.sort(p, descending=True)
        n = int(torch.searchsorted(values.cumsum(-1), P)) + 1
        return int(ids[draw(values[:n])])

    def min_p(x: Any) -> int:
        p = torch.softmax(x / T, -1)
        return int(draw(torch.where(p >= MIN_P * p.max(), p, 0)))

    def logprobs(x: Any, _: int) -> tuple[np.ndarray, np.ndarray]:
        values, ids = torch.log_softmax(x, -1).topk(20)
        return ids.numpy(), values.numpy()

    found: dict[str, Draw] = {
        "greedy": lambda x, _: int(x.argmax()),
        "temperature": lambda x, _: int(draw(torch.softmax(x / T, -1))),
        "top-k": lambda x, _: top_k(x),
        "top-k, top-p": lambda x, _: top_k(x, 0.95),
        "min-p": lambda x, _: min_p(x),
        "top-p": lambda x, _: top_p(x),
        "logprobs": logprobs,
    }
    return found.get(op)


def transformers_peer(op: str) -> Draw | None:
    if torch is None or transformers is None or op in ("greedy", "logprobs"):
        return None
    t = transformers
    made = {"temperature": [], "top-k": [t.TopKLogitsWarper(TOP)], "min-p": [t.MinPLogitsWarper(MIN_P)], "top-p": [t.TopPLogitsWarper(P)]}
    made["top-k, top-p"] = [t.TopKLogitsWarper(TOP), t.TopPLogitsWarper(0.95)]
    chain = t.LogitsProcessorList([t.TemperatureLogitsWarper(T), *made[op]])
    return lambda x, _: int(torch.multinomial(torch.softmax(chain(None, x[None]), -1), 1))


def llama_peer(op: str) -> Draw | None:
    if llama_cpp is None or op == "logprobs":
        return None
    steps = {
        "greedy": [],
        "temperature": [],
        "top-k": [llama_cpp.llama_sampler_init_top_k(TOP)],
        "top-k, top-p": [llama_cpp.llama_sampler_init_top_k(TOP), llama_cpp.llama_sampler_init_top_p(0.95, 1)],
        "min-p": [llama_cpp.llama_sampler_init_min_p(MIN_P, 1)],
        "top-p": [llama_cpp.llama_sampler_init_top_p(P, 1)],
    }[op]
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    ends = [llama_cpp.llama_sampler_init_greedy()] if op == "greedy" else [llama_cpp.llama_sampler_init_dist(3)]
    before = [] if op == "greedy" else [llama_cpp.llama_sampler_init_temp(T)]  # first, so that all contenders mean the same
    for step in (*before, *steps, *ends):
        llama_cpp.llama_sampler_chain_add(chain, step)
    kind = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

    def run(x: np.ndarray, _: int, candidates: dict[int, np.ndarray] = {}) -> int:  # noqa: B006 - room that is used again
        data = candidates.setdefault(len(x), np.zeros(len(x), kind))
        data["id"], data["logit"], data["p"] = np.arange(len(x), dtype=np.int32), x, 0
        array = llama_cpp.llama_token_data_array(data.ctypes.data_as(llama_cpp.llama_token_data_p), len(x), -1, c_bool(False))
        llama_cpp.llama_sampler_apply(chain, array)
        return int(data["id"][array.selected]) if array.data else -1

    return run


SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0},
    "temperature": {"temperature": T},
    "top-k": {"temperature": T, "top_k": TOP},
    "top-k, top-p": {"temperature": T, "top_k": TOP, "top_p": 0.95},
    "min-p": {"temperature": T, "min_p": MIN_P},
    "top-p": {"temperature": T, "top_p": P},
}


def ours(op: str) -> Draw:
    sampler = toklet.Sampler(**SETTINGS.get(op, {}), seed=1)
    if op == "logprobs":
        return lambda x, _: sampler.logprobs(x, top=20)[:2]
    return sampler.sample


PEERS = {"numpy": numpy_peer, "torch": torch_peer, "transformers": transformers_peer, "llama.cpp": llama_peer}


def as_given(peer: str, x: np.ndarray) -> Any:
    """A row as a peer takes it: torch's rows are tensors."""
    if peer not in ("torch", "transformers"):
        return x
    return torch.from_numpy(x).view(torch.bfloat16) if x.dtype == np.uint16 else torch.from_numpy(x)


def differs(op: str, peer: str, run: Draw, x: np.ndarray) -> str:
    """Say how a peer's results differ from toklet's; nothing, if they don't."""
    if op == "greedy":
        return "" if run(as_given(peer, x), 0) == ours(op)(x, 0) else "another id"
    if op == "logprobs":
        (ids, values), (our_ids, our_values) = run(as_given(peer, x), 0), ours(op)(x, 0)
        return "" if ids.tolist() == our_ids.tolist() and np.allclose(values, our_values, atol=1e-4) else "other log-probabilities"
    small = np.random.default_rng(4).normal(size=1_000).astype(np.float32) * 2
    given, n = as_given(peer, small), 3_000
    p = toklet.Sampler(**SETTINGS[op]).distribution(small).astype(np.float64)
    found, order = np.bincount([run(given, i) for i in range(n)], minlength=1_000), np.argsort(-p)
    if found[p == 0].sum():
        return "other ids are kept"
    large = order[p[order] * n >= 10]
    rest = (found.sum() - found[large].sum(), n - p[large].sum() * n)
    pairs = [*zip(found[large], p[large] * n, strict=True), *([rest] if rest[1] > 1 else [])]
    far = (sum((a - b) ** 2 / b for a, b in pairs) - len(pairs) + 1) / (2 * max(len(pairs) - 1, 1)) ** 0.5
    return "" if far < 5 else f"chi-square is off by {far:.1f} standard deviations"


@dataclass
class Result:
    """The medians of an operation, in microseconds a row, and what was left out."""

    name: str
    times: dict[str, float]
    left_out: dict[str, str]


def measure(contenders: dict[str, Draw], data: list[np.ndarray], rounds: int, per_row: int = 1) -> dict[str, float]:
    """Time the contenders in turns."""
    given = {name: [as_given(name, x) for x in data] for name in contenders}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    gc.disable()
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            items = given[name]
            for x in data:
                x.max()  # the ring is in the cache again, whatever the contender before has done to it
            calls = 100 if turn and times[name] and times[name][-1] < 200 else 10
            for i in range(calls):
                x = items[(turn * 7 + i) % len(items)]
                before = time.perf_counter()
                run(x, i)
                times[name].append((time.perf_counter() - before) * 1e6 / per_row)
    gc.enable()
    return {name: statistics.median(found[10:]) for name, found in times.items()}


def operation(op: str, kind: str, dtype: str, size: int, rounds: int) -> Result:
    data, left_out = rows(kind, size, dtype), {}
    contenders: dict[str, Draw] = {"read": lambda x, _: x.max(), "toklet": ours(op)}
    for peer, make in PEERS.items():
        run = make(op)
        if run is None or (dtype != "float32" and (peer == "llama.cpp" or (peer == "numpy" and dtype == "bfloat16"))):
            continue
        if why := differs(op, peer, run, data[0]):
            left_out[peer] = why
        else:
            contenders[peer] = run
    if dtype != "float32":
        del contenders["read"]
    return Result(f"{op}, {kind}" + ("" if dtype == "float32" else f", {dtype}"), measure(contenders, data, rounds), left_out)


def batches(op: str, size: int, rounds: int, n: int = 8) -> Result:
    """Eight rows in one call."""
    data = rows("peaked", size)
    made = [np.stack([data[(i + j) % len(data)] for j in range(n)]) for i in range(4)]
    sampler = toklet.Sampler(**SETTINGS[op], seed=1)
    return Result(f"{op}, peaked, batch of {n}", measure({"toklet": sampler.sample}, made, rounds, n), {})


def results(args: argparse.Namespace) -> Iterator[Result]:
    for op in (*SETTINGS, "logprobs"):
        yield operation(op, "peaked", "float32", args.vocab, args.rounds)
    for dtype in ("bfloat16", "float16"):
        yield operation("greedy", "peaked", dtype, args.vocab, args.rounds)
    yield operation("top-p", "flat", "float32", args.vocab, args.rounds)
    for kind in ("ascending", "descending", "equal", "masked"):
        for op in ("temperature", "top-k", "min-p", "top-p"):
            yield operation(op, kind, "float32", args.vocab, max(1, args.rounds // 4))
    for op in ("temperature", "top-k"):
        yield batches(op, args.vocab, args.rounds)


def versions() -> dict[str, str]:
    found = {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
    for name in ("toklet", "numpy", "torch", "transformers", "llama_cpp_python"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--vocab", type=int, default=128_256, help="logits a row (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds of each operation (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    if torch is not None:
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
    made = []
    if not args.json:
        print(", ".join(f"{name} {value}" for name, value in versions().items()))
        print(f"{'µs a row':34}{'toklet':>8}{'x read':>8}   peers, and how many times as long they take")
    for result in results(args):
        made.append(result)
        if args.json:
            continue
        read, own = result.times.get("read"), result.times["toklet"]
        peers = "  ".join(f"{name} {t:,.0f} ({t / own:.1f}x)" for name, t in result.times.items() if name not in ("read", "toklet"))
        why = "  ".join(f"{name}: {reason}" for name, reason in result.left_out.items())
        print(f"{result.name:34}{own:8.1f}{f'{own / read:.2f}' if read else '':>8}   {peers}{'  | ' if why else ''}{why}", flush=True)
    reads = [result.times["read"] for result in made if "read" in result.times]
    if args.json:
        print(json.dumps({"versions": versions(), "read": statistics.median(reads), "results": [vars(result) for result in made]}, indent=1))
    else:
        print(f"the read: {statistics.median(reads):.1f} µs a row, median of {len(reads)} measurements from {min(reads):.1f} to {max(reads):.1f}")


if __name__ == "__main__":
    main()
