"""Next-token sampling beside numpy, torch, transformers and llama.cpp: `python benches/sampling.py`.

Rows: peaked (a Zipf prior, -ln rank in a random order, plus N(0, 2), and 64 ids raised by 15 exp(-j / tau), tau log-uniform from 0.5 to 12), flat (N(0, 1)),
and adversarial: all equal, ascending, descending (N(0, 3), sorted), masked (peaked, 99 % of it -inf), of which each contender's worst is told. Warm: row in
L3, called from Python. Rows lie side by side in a ring of 16 MiB, and each call takes the next, so that none is in L1 or L2. The read limit is
`np.maximum.reduce` over the bytes of a row as integers, which numpy compares faster than floats: its fastest pure read, the call included.

Equality comes first. Greedy ids, and ids and values (within 3e-5) of logprobs, must be those of a float64 definition; toklet's `distribution` must be within
1e-5 of it in total variation. Ids drawn must be among those kept; thousands drawn from a row of 997, flat instead of peaked, must pass a chi-square test at
p > 1e-4, with no more different ids than are kept: which of equal ones is anyone's choice. What fails isn't timed but marked "differs", and why comes last.

The contenders and the read take turns. In a turn, the ring having been read, they go round it for about 20 ms, at least once. Times are medians over the
rounds of a turn's mean, in microseconds a row; ratios are of medians. One thread, gc off, one round before the first to warm up.

Peers have their rows prepared as they like them. numpy selects by `partition` and draws by a cumulative sum in two levels. torch is the plain idiom; tuned
torch never calls `multinomial`: it takes an exponential race among few, a cumulative sum among many. transformers runs its logits processors, as `generate`
does. llama.cpp fills its array of candidates in the time, as for each token. onnxruntime-genai, whose sampler can't be called without a model, isn't here.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any, NamedTuple

import numpy as np

import toklet

Array = np.ndarray[Any, Any]
RING = 16 << 20
SMALL = 997  # a prime: no top_p of the table ends exactly at one of equal tokens
NUMBERS = ("temperature", "top_k", "top_p", "min_p")


class Op(NamedTuple):
    """An operation: settings of a sampler, or logprobs; on rows of some kinds."""

    name: str
    settings: dict[str, Any]
    kinds: tuple[str, ...] = ("peaked",)
    dtype: str = "float32"
    batch: int = 1
    logprobs: bool = False

    @property
    def greedy(self) -> bool:
        return self.settings.get("temperature") == 0


class Contender(NamedTuple):
    """How a library does an operation: `run` is timed, on what `prepare` made of the rows."""

    run: Callable[[Any, int], Any]
    prepare: Callable[[Array], Any] = lambda rows: rows


WARM: dict[str, Any] = {"temperature": 0.8}
TOP_K, TOP_P = WARM | {"top_k": 50}, WARM | {"top_p": 0.9}
WORST = ("equal", "ascending", "descending", "masked")
OPS = (
    Op("greedy", {"temperature": 0}),
    *(Op(f"greedy {dtype}", {"temperature": 0}, dtype=dtype) for dtype in ("bfloat16", "float16")),
    Op("temperature", WARM),
    Op("top-k 50", TOP_K),
    Op("top-k 50, top-p 0.95", TOP_K | {"top_p": 0.95}),
    Op("min-p 0.05", WARM | {"min_p": 0.05}),
    Op("top-p 0.9", TOP_P),
    Op("top-p 0.9 flat", TOP_P, ("flat",)),
    Op("top-20 logprobs", {}, logprobs=True),
    Op("temperature, 8 rows", WARM, batch=8),
    Op("top-k 50, 8 rows", TOP_K, batch=8),
    *(Op(f"{name}, worst", how, WORST) for name, how in (("temperature", WARM), ("top-k 50", TOP_K), ("top-p 0.9", TOP_P))),
)


def make_row(kind: str, size: int, rng: np.random.Generator) -> Array:
    if kind in ("equal", "flat"):
        return rng.normal(0, kind == "flat", size)
    if kind in ("ascending", "descending"):
        return np.sort(rng.normal(0, 3, size))[:: 1 if kind == "ascending" else -1]
    row: Array = rng.normal(0, 2, size) - np.log(rng.permutation(size) + 1.0)
    row[rng.choice(size, 64, replace=False)] += 15 * np.exp(-np.arange(64) / math.exp(rng.uniform(math.log(0.5), math.log(12))))
    if kind == "masked":
        row[rng.choice(size, size * 99 // 100, replace=False)] = -np.inf
    return row


def make_rows(op: Op, kind: str, size: int) -> Array:
    """A ring of rows, or of batches of rows, side by side; bfloat16 as its bits, in uint16."""
    rng = np.random.default_rng(1)
    rows = np.empty((max(1, RING // (size * op.batch * (4 if op.dtype == "float32" else 2))), op.batch, size), np.float32)
    rows = rows if op.batch > 1 else rows[:, 0]
    for row in rows.reshape(-1, size):
        row[:] = make_row(kind, size, rng)
    return (rows.view(np.uint32) >> 16).astype(np.uint16) if op.dtype == "bfloat16" else rows.astype(op.dtype)


def as_float64(rows: Array) -> Array:
    return np.asarray((rows.astype(np.uint32) << 16).view(np.float32) if rows.dtype == np.uint16 else rows, np.float64)


def definition(logits: Array, temperature: float, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0) -> Array:
    """What is drawn from: temperature, top-k, top-p, min-p, in this order; among equal logits the lower id comes first."""
    p: Array = np.exp((logits - logits.max()) / temperature)
    order = np.argsort(-logits, kind="stable")
    if top_k:
        p[order[top_k:]] = 0
    p /= p.sum()
    if top_p < 1:
        p[order[np.searchsorted(np.cumsum(p[order]), top_p) + 1 :]] = 0
    p[p < min_p * p.max()] = 0
    p /= p.sum()
    return p


def ours(op: Op, size: int) -> Contender:
    sampler = toklet.Sampler(**op.settings, seed=1 if op.batch == 1 else np.arange(op.batch))
    if op.logprobs:
        return Contender(lambda rows, n: sampler.logprobs(rows, top=20)[:2])
    return Contender(lambda rows, n: sampler.sample(rows, position=n))


def with_numpy(op: Op, size: int) -> Contender:
    rng = np.random.default_rng(2)
    temperature, k, p, min_p = (op.settings.get(name, 0) for name in NUMBERS)

    def largest(row: Array, count: int) -> Array:
        count = min(count, len(row))
        bound = np.partition(row, -count)[-count]
        ids = np.flatnonzero(row >= bound)
        if len(ids) > count:
            ids = np.concatenate((ids[row[ids] > bound], ids[row[ids] == bound]))[:count]
        return ids[np.argsort(-row[ids], kind="stable")] if count <= 1_024 else ids

    def pick(weights: Array) -> int:
        sums = np.cumsum(np.add.reduceat(weights, np.arange(0, len(weights), 256)), dtype=np.float64)
        u = rng.random() * sums[-1]
        block = int(np.searchsorted(sums, u, side="right"))
        low = sums[block - 1] if block else 0.0
        within = np.cumsum(weights[block * 256 : block * 256 + 256], dtype=np.float64)
        return block * 256 + int(np.searchsorted(within, (u - low) / (sums[block] - low) * within[-1], side="right"))

    def draw(row: Array, n: int) -> int:
        top, ids = row.max(), None
        if k:
            ids = largest(row, k)
        elif min_p:
            ids = np.flatnonzero(row >= top + np.float32(temperature * math.log(min_p)))
        weights = np.exp(((row if ids is None else row[ids]) - top) / temperature)
        if p:
            mass = p * weights.sum()
            ids = largest(row, 1_024) if ids is None else ids
            sums = np.cumsum(np.exp((row[ids] - top) / temperature))
            if sums[-1] < mass:  # a nucleus of more than 1,024
                sums = np.cumsum(np.exp((np.sort(row)[::-1] - top) / temperature))
                ids = largest(row, int(np.searchsorted(sums, mass)) + 1)
            else:
                ids = ids[: np.searchsorted(sums, mass) + 1]
            weights = np.exp((row[ids] - top) / temperature)
        return pick(weights) if ids is None else int(ids[pick(weights)])

    def logprobs(row: Array, n: int) -> tuple[Array, Array]:
        top, ids = row.max(), largest(row, 20)
        return ids, row[ids] - (top + np.log(np.exp(row - top).sum()))

    if op.logprobs or (op.greedy and op.dtype == "float32"):
        return Contender(logprobs if op.logprobs else lambda row, n: int(row.argmax()))
    if op.greedy:  # integers in the order of the floats: numpy compares 16-bit floats one by one
        return Contender(lambda bits, n: int((bits ^ ((bits >> 15) & 0x7FFF)).argmax()), lambda rows: rows.view(np.int16))
    return Contender(draw if op.batch == 1 else lambda rows, n: [draw(row, n) for row in rows])


def as_tensor(rows: Array) -> Any:
    torch = import_module("torch")
    tensor = torch.from_numpy(np.atleast_2d(rows))
    return tensor.view(torch.bfloat16) if rows.dtype == np.uint16 else tensor


def with_torch(op: Op, size: int, tuned: bool = False) -> Contender | None:
    torch = import_module("torch")
    temperature, k, p, min_p = (op.settings.get(name, 0) for name in NUMBERS)

    def pick(weights: Any) -> Any:
        if not tuned:
            return torch.multinomial(weights, 1)
        if weights.shape[-1] <= 1_024:
            return (weights / torch.empty_like(weights).exponential_()).argmax(-1, keepdim=True)
        sums = weights.cumsum(-1)
        return torch.searchsorted(sums, torch.rand(len(sums), 1) * sums[:, -1:], right=True)

    def draw(x: Any, n: int) -> Any:
        ids = None
        if k:
            x, ids = x.topk(k)
        elif min_p and tuned:
            ids = (x[0] >= x.amax() + temperature * math.log(min_p)).nonzero().T
            x = x[:, ids[0]]
        weights = torch.softmax(x / temperature, -1)
        if p and not k:
            first = weights.topk(min(1_024, weights.shape[-1])) if tuned else None
            weights, ids = first if first and float(first.values.sum()) >= p else weights.sort(descending=True)
        if p:
            weights = weights.masked_fill(weights.cumsum(-1) - weights >= p, 0)
        if min_p and not tuned:
            weights = weights.masked_fill(weights < min_p * weights.amax(), 0)
        drawn = pick(weights)
        return (drawn if ids is None else ids.gather(-1, drawn))[:, 0].tolist()

    def logprobs(x: Any, n: int) -> Any:
        values, ids = x.topk(20) if tuned else torch.log_softmax(x, -1).topk(20)
        return ids[0].numpy(), (values - x.logsumexp(-1, keepdim=True) if tuned else values)[0].numpy()

    if op.greedy:
        return None if tuned else Contender(lambda x, n: x.argmax(-1).tolist(), as_tensor)
    return Contender(logprobs if op.logprobs else draw, as_tensor)


def with_transformers(op: Op, size: int) -> Contender | None:
    if op.greedy or op.logprobs:
        return None
    torch, hf = import_module("torch"), import_module("transformers")
    kinds = {"temperature": hf.TemperatureLogitsWarper, "top_k": hf.TopKLogitsWarper, "top_p": hf.TopPLogitsWarper, "min_p": hf.MinPLogitsWarper}
    processors = hf.LogitsProcessorList([kinds[name](op.settings[name]) for name in kinds if name in op.settings])
    return Contender(lambda x, n: torch.multinomial(torch.softmax(processors(None, x), -1), 1)[:, 0].tolist(), as_tensor)


def with_llama_cpp(op: Op, size: int) -> Contender | None:
    llama = import_module("llama_cpp")
    if op.logprobs or op.dtype != "float32":
        return None
    steps = [llama.llama_sampler_init_top_k(op.settings["top_k"])] if "top_k" in op.settings else []
    steps += [] if op.greedy else [llama.llama_sampler_init_temp(op.settings["temperature"])]  # before top-p and min-p, as the others have it
    steps += [getattr(llama, f"llama_sampler_init_{name}")(op.settings[name], 1) for name in ("top_p", "min_p") if name in op.settings]
    steps.append(llama.llama_sampler_init_greedy() if op.greedy else llama.llama_sampler_init_dist(3))
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    for step in steps:
        llama.llama_sampler_chain_add(chain, step)
    table = np.zeros((size, 3), np.float32)  # of llama_token_data: id, logit, p
    ids, each_id = table.view(np.int32)[:, 0], np.arange(size, dtype=np.int32)
    data = table.ctypes.data_as(llama.llama_token_data_p)

    def draw(row: Array, n: int) -> int:
        ids[:] = each_id
        table[:, 1] = row
        candidates = llama.llama_token_data_array(data, size, -1, False)
        llama.llama_sampler_apply(chain, ctypes.byref(candidates))
        return int(candidates.data[candidates.selected].id)

    return Contender(draw if op.batch == 1 else lambda rows, n: [draw(row, n) for row in rows])


CONTENDERS: dict[str, Callable[[Op, int], Contender | None]] = {
    "toklet": ours,
    "numpy": with_numpy,
    "torch": with_torch,
    "tuned torch": lambda op, size: with_torch(op, size, tuned=True),
    "transformers": with_transformers,
    "llama.cpp": with_llama_cpp,
}


def difference(op: Op, contender: Contender, small: Contender, kind: str, rows: Array, draws: int) -> str:
    """Say how a contender, and the same for small rows, differs from the definition; nothing, if it doesn't."""
    for n, item in enumerate(rows if op.greedy else rows[:4]):
        logits, result = as_float64(np.atleast_2d(item)), contender.run(contender.prepare(item), n)
        if op.logprobs:
            order = np.argsort(-logits[0], kind="stable")[:20]
            far = np.abs(result[1] - logits[0, order] + np.log(np.exp(logits).sum())).max()
            if (other := result[0].tolist() != order.tolist()) or far > 3e-5:
                return "other ids" if other else f"the values are off by {far:.0e}"
            continue
        for row, id in zip(logits, np.atleast_1d(result).tolist(), strict=True):
            if id != row.argmax() if op.greedy else row[id] < row[definition(row, **op.settings) > 0].min():
                return f"id {id} isn't the best" if op.greedy else f"id {id} isn't kept"
    if op.greedy or op.logprobs:
        return ""
    row = make_row("flat" if kind == "peaked" else kind, SMALL, np.random.default_rng(1)).astype(np.float32)
    item = small.prepare(row if op.batch == 1 else np.repeat(row[None], op.batch, 0))
    found = np.bincount(np.concatenate([np.atleast_1d(small.run(item, n)) for n in range(draws // op.batch)]), minlength=SMALL)
    logits = row.astype(np.float64)
    p = definition(logits, **op.settings)
    last = logits[p > 0].min()
    if (outside := found[logits < last].sum()) or np.count_nonzero(found) > np.count_nonzero(p):
        return f"of {SMALL} ids {np.count_nonzero(found)} are drawn, {np.count_nonzero(p)} kept; {outside} draws are of lesser ones"
    equal = np.flatnonzero(logits == last)
    if not p[equal].all():  # which of them are kept is anyone's choice
        p[equal], found[equal[0]], found[equal[1:]] = 0, found[equal].sum(), 0
        p[equal[0]] = 1 - p.sum()
    order, wanted = np.argsort(-p, kind="stable"), p * found.sum()
    bins = np.minimum(np.cumsum(wanted[order]) // 10, found.sum() // 10 - 1).astype(int)  # of about ten draws each, or more
    seen, expected = (np.bincount(bins, values[order])[np.unique(bins)] for values in (found, wanted))
    freedom = max(len(seen) - 1, 1)
    spread = 2 / (9 * freedom)  # Wilson and Hilferty: the cube root is nearly normal
    root = (float(((seen - expected) ** 2 / expected).sum()) / freedom) ** (1 / 3)
    p_value = math.erfc((root - 1 + spread) / math.sqrt(2 * spread)) / 2
    return "" if p_value > 1e-4 else f"chi-square, p = {p_value:.0e}"


def measure(op: Op, contenders: dict[str, Contender], rows: Array, rounds: int) -> dict[str, float]:
    """Time the contenders in turns: the median microseconds a row."""

    def turn(name: str, trips: int) -> float:
        run, each = contenders[name].run, items[name] * trips
        np.maximum.reduce(rows.view(f"i{rows.itemsize}"), axis=None)
        start = time.perf_counter()
        for n, item in enumerate(each):
            run(item, n)
        return (time.perf_counter() - start) / trips

    items = {name: [contender.prepare(item) for item in rows] for name, contender in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    trips = {name: max(1, int(0.02 / turn(name, 1))) for name in contenders}
    for _ in range(rounds):
        for name in contenders:
            times[name].append(turn(name, trips[name]) * 1e6 / (len(rows) * op.batch))
    return {name: statistics.median(found) for name, found in times.items()}


def operation(op: Op, size: int, rounds: int, draws: int) -> dict[str, Any]:
    """Compare, then time: for each contender the worst over the kinds of rows."""
    data = {kind: make_rows(op, kind, size) for kind in op.kinds}
    ready = {"read": Contender(lambda rows, n: np.maximum.reduce(rows, axis=None), lambda rows: rows.view(f"i{rows.itemsize}"))}
    not_timed: dict[str, str] = {}
    for name, make in CONTENDERS.items():
        try:
            contender, small = make(op, size), make(op, SMALL)
        except (ImportError, TypeError) as error:  # a peer that isn't installed, or a toklet without these parameters
            not_timed[name] = f"not available ({error})"
            continue
        if contender and small:
            why = [f"{kind} rows: {why}" for kind, rows in data.items() if (why := difference(op, contender, small, kind, rows, draws))]
            if name == "toklet" and not (op.greedy or op.logprobs):
                first, given = (np.atleast_2d(rows[0])[0] for rows in data.values()), toklet.Sampler(**op.settings).distribution
                far = [np.abs(given(row) - definition(as_float64(row), **op.settings)).sum() / 2 for row in first]
                why += [f"distribution() is off by {max(far):.0e}"] if max(far) > 1e-5 else []
            if why:
                not_timed[name] = "differs: " + "; ".join(why)
            else:
                ready[name] = contender
    by_rows = {kind: measure(op, ready, rows, rounds) for kind, rows in data.items()}
    return {"op": op.name, "microseconds": {name: max(times[name] for times in by_rows.values()) for name in ready}, "by_rows": by_rows, "not_timed": not_timed}


def machine() -> dict[str, str]:
    found = {"cpu": platform.processor(), "python": platform.python_version()}
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        found["cpu"] = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), found["cpu"])
    for package in ("toklet", "numpy", "torch", "transformers", "llama-cpp-python"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def line(result: dict[str, Any]) -> str:
    times, own, limit = result["microseconds"], result["microseconds"].get("toklet", math.nan), result["microseconds"]["read"]
    (best, least), *others = sorted((item for item in times.items() if item[0] not in ("read", "toklet")), key=lambda item: item[1]) or [("-", math.nan)]
    marked = [f"{name} {why.split(':')[0]}" for name, why in result["not_timed"].items() if name == "toklet" or why.startswith("differs")]
    rest = ", ".join([f"{name} {value:,.0f}" for name, value in others] + marked)
    return f"{result['op']:22}{own:8.1f}{limit:8.1f}{own / limit:8.1f}   {best:12}{least:9,.1f}{least / own:7.1f}   {rest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0], epilog="operations: " + "; ".join(op.name for op in OPS))
    parser.add_argument("--vocab", type=int, default=128_256, help="logits a row (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each operation (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="OP", default=[""], help="operations whose names contain this")
    parser.add_argument("--quick", action="store_true", help="3 rounds, and fewer draws to compare by")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    gc.disable()
    with contextlib.suppress(ImportError):
        torch = import_module("torch")
        torch.set_num_threads(1)
        torch.manual_seed(3)
    rounds, draws = (3, 1_000) if args.quick else (args.rounds, 4_000)
    found = (operation(op, args.vocab, rounds, draws) for op in OPS if any(word in op.name for word in args.only))
    if args.json:
        print(json.dumps({"machine": machine(), "vocab": args.vocab, "rounds": rounds, "results": list(found)}, indent=1))
        return
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(f"Microseconds a row of {args.vocab:,}, warm: row in L3, called from Python.\n")
    print(f"{'operation':22}{'toklet':>8}{'read':>8}{'x read':>8}   {'best peer':21}{'ratio':>7}   other peers")
    notes = []
    for result in found:
        print(line(result), flush=True)
        notes += [f"{result['op']}: {name} {why}" for name, why in result["not_timed"].items()]
    print("", *notes, sep="\n")


if __name__ == "__main__":
    main()
