"""Prompts beside transformers: `python benches/prompting.py`. Equality first, then medians of turns taken one after the other, in microseconds.

A chat of 50 messages and 26 KB (the Python standard library's docstrings), the chatml template, a vocabulary of 16,384 trained here. transformers renders with
Jinja2 and encodes with tokenizers, both with the same tokenizer.json; its text and its ids must be toklet's. Peers that aren't installed are left out.
"""

import argparse
import ast
import json
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import toklet


def docstrings() -> list[str]:
    """Prose: the docstrings of the standard library."""
    found = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        tree = ast.parse(path.read_bytes())
        found += [text for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and (text := ast.get_docstring(node))]
    return found


def chat(texts: list[str], n: int = 50, size: int = 26_000) -> list[dict[str, str]]:
    """Messages of about the same length."""
    text, each = "\n".join(texts), size // n
    return [{"role": ("user", "assistant")[i % 2], "content": text[i * each : (i + 1) * each]} for i in range(n)]


def measure(work: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Take turns; the median, in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if turn:
                times[name].append((time.perf_counter() - start) * 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


def peer(path: Path, source: str) -> Any:
    """transformers' tokenizer of the same file, if it is installed."""
    try:
        transformers = import_module("transformers")
    except ImportError:
        return None
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(path))
    fast.chat_template = source
    return fast


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=101, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    texts = docstrings()
    tok = toklet.train(texts, 16_384, special_tokens=["<|im_start|>", "<|im_end|>"])
    template, messages = toklet.ChatTemplate.chatml(), chat(texts)
    work: dict[str, Callable[[], Any]] = {"toklet: render and encode": lambda: template.render(tok, messages).ids}
    work |= {"toklet: render": lambda: template.format(messages)}
    with tempfile.TemporaryDirectory() as folder:
        tok.save(Path(folder) / "tokenizer.json")
        fast = peer(Path(folder) / "tokenizer.json", template.source)
    if fast is not None:
        prompt = template.render(tok, messages)
        assert fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == prompt.text
        given = fast.apply_chat_template(messages, add_generation_prompt=True)
        assert list(given["input_ids"] if hasattr(given, "keys") else given) == prompt.ids.tolist()
        work |= {"transformers: render and encode": lambda: fast.apply_chat_template(messages, add_generation_prompt=True)}
        work |= {"transformers: render": lambda: fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)}
    message = messages[0]["content"]
    counter = tok.counter()
    counter.append(prompt_text := template.format(messages))
    work |= {f"toklet: count one message of {len(message)} characters behind {len(prompt_text):,}": lambda: counter.append(message)}
    rng = np.random.default_rng(1)
    pieces = [text[:4_000] for text in texts if len(text) > 200][:1_000]
    for n, budget in ((200, 16_384), (1_000, 32_768)):  # the first is solved exactly
        blocks = [toklet.Block(text, value=float(value)) for text, value in zip(pieces[:n], rng.lognormal(size=n), strict=True)]
        work |= {f"toklet: pack {n:,} blocks into {budget:,} tokens": lambda blocks=blocks, budget=budget: toklet.pack(blocks, tok, budget)}  # type: ignore[misc]
    stream, ids = tok.stream(), tok.encode("".join(texts[:50])).tolist()

    def pushes() -> None:
        for id in ids:
            stream.push(id)

    found = measure(work, args.rounds)
    found[f"toklet: push one id of {len(ids):,} to a stream"] = measure({"push": pushes}, 21)["push"] / len(ids)
    if args.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:64}{value:12,.2f} µs")


if __name__ == "__main__":
    main()
