"""tokenizer.json files of every shape that hypothesis thinks of: normalizers, pre-tokenizers, added tokens with flags, models of bytes and of characters."""

import json
from typing import Any

import tokenizers
from hypothesis import strategies as st

from . import strategies

MARK = "\u2581"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BEHAVIORS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
CONTENTS = ("<s>", "</s>", "<", "a", "ab", "b a", "  ", "é", "e\u0301", "ﬁ", "x1", MARK, f"{MARK}a", "1", "s>")
FRAGMENTS = (
    *("a", "b", "é", "1", " ", "中", "x", "\n", "e\u0301", "ﬁ", "ǆ", "ab", "  ", "   ", "12", MARK, "\u212b", "가", "\u1112\u1161\u11ab", "ｶﾞ", "\u3000"),
    *("it's", "\u0345a\u0323\u0307", *CONTENTS),
)


def spelled(token: bytes) -> str:
    """Write bytes as byte-level models do."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return "".join(chr(byte) if byte in visible else chr(256 + hidden.index(byte)) for byte in token)


def texts() -> st.SearchStrategy[str]:
    piece = st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(FRAGMENTS), strategies.characters())
    return st.lists(piece, max_size=14).map("".join)


def normalizers(spaced: bool) -> st.SearchStrategy[Any]:
    """No normalizer, one, or several; `spaced`: ending in those that turn spaces into ▁."""
    forms = st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]).map(lambda form: {"type": form})
    prepend = st.sampled_from(["x", "ab", " "]).map(lambda text: {"type": "Prepend", "prepend": text})
    replace = st.tuples(st.sampled_from(["a", "ab", " ", "é", "  "]), st.sampled_from(["", "b", "aa", " ", "é1"])).map(
        lambda pair: {"type": "Replace", "pattern": {"String": pair[0]}, "content": pair[1]}
    )
    steps = st.lists(st.one_of(forms, prepend, replace), max_size=3)
    marks = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
    before = {"type": "Prepend", "prepend": MARK}
    ends: list[list[Any]] = [[marks], [before, marks], [marks, before]] if spaced else [[]]
    whole = st.tuples(steps, st.sampled_from(ends)).map(lambda pair: [*pair[0], *pair[1]])
    return whole.map(lambda steps: None if not steps else steps[0] if len(steps) == 1 else {"type": "Sequence", "normalizers": steps})


def splits() -> st.SearchStrategy[Any]:
    patterns = st.sampled_from([{"String": " "}, {"String": "ab"}, {"String": "1"}, {"Regex": GPT2}, {"Regex": CL100K}])
    split = st.builds(lambda p, b, i: {"type": "Split", "pattern": p, "behavior": b, "invert": i}, patterns, st.sampled_from(BEHAVIORS), st.booleans())
    return st.one_of(split, st.booleans().map(lambda alone: {"type": "Digits", "individual_digits": alone}))


def sequence(steps: list[Any]) -> Any:
    return None if not steps else steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}


@st.composite
def added_tokens(draw: Any, vocab: dict[str, int]) -> list[dict[str, Any]]:
    added = []
    for content in draw(st.lists(st.sampled_from(CONTENTS), max_size=5, unique=True)):
        flags = {flag: draw(st.booleans()) for flag in ("special", "lstrip", "rstrip", "single_word", "normalized")}
        flags["special"] &= content not in vocab  # a text that was an ordinary token and a special one could be neither
        id = vocab.setdefault(content, max(vocab.values()) + 1)
        added.append({"id": id, "content": content, **flags})
    return added


def taken_once(said: dict[str, Any]) -> dict[str, Any]:
    """What `rstrip` has taken is gone; `tokenizers` finds it again, or panics: so nothing takes along what a token begins with, as it is or normalized."""
    bare = file({"normalizer": said["normalizer"], "model": model({"a": 0}, [])})
    form = tokenizers.Tokenizer.from_str(json.dumps(bare)).normalizer
    sought = [text for token in said["added_tokens"] for text in (token["content"], form.normalize_str(token["content"]) if form else "")]
    if any(text[:1].isspace() for text in sought):
        return said | {"added_tokens": [token | {"rstrip": False} for token in said["added_tokens"]]}
    return said


def model(vocab: dict[str, int], merges: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    said = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False}
    return said | {"byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": [list(pair) for pair in merges]} | more


def file(said: dict[str, Any]) -> dict[str, Any]:
    empty = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None}
    return empty | {"decoder": None} | said


@st.composite
def of_bytes(draw: Any) -> dict[str, Any]:
    """A byte-level file."""
    merges = draw(strategies.merges(25))
    tokens = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
    vocab = {spelled(token): id for id, token in enumerate(tokens)}
    steps = draw(st.lists(splits(), max_size=2))
    level = {"type": "ByteLevel", "add_prefix_space": draw(st.booleans()) and not steps, "trim_offsets": True, "use_regex": draw(st.booleans())}
    said = model(dict(vocab), [(spelled(left), spelled(right)) for left, right in merges], ignore_merges=draw(st.booleans()))
    added = draw(added_tokens(dict(vocab)))
    return taken_once(file({"added_tokens": added, "normalizer": draw(normalizers(False)), "pre_tokenizer": sequence([*steps, level]), "model": said}))


@st.composite
def of_characters(draw: Any) -> dict[str, Any]:
    """A file whose tokens are characters, with byte fallback or an unknown token."""
    fallback = draw(st.booleans())
    vocab = {"<unk>": 0}
    if fallback:
        vocab |= {f"<0x{byte:02X}>": 1 + byte for byte in range(256)}
    how = draw(st.sampled_from(["none", "normalizer", "metaspace"]))
    tokens = list(f"abé1x{MARK}{MARK if how != 'none' else ' '}中")
    merges = []
    for left, right in draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=25)):
        pair = (tokens[left % len(tokens)], tokens[right % len(tokens)])
        if pair not in merges and len(pair[0] + pair[1]) < 20:
            merges.append(pair)
            if pair[0] + pair[1] not in tokens:
                tokens.append(pair[0] + pair[1])
    for token in tokens:
        vocab.setdefault(token, len(vocab))
    digits = [{"type": "Digits", "individual_digits": draw(st.booleans())}] if draw(st.booleans()) else []
    if how == "metaspace":
        scheme = draw(st.sampled_from(["always", "first", "never"]))
        steps = [{"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": draw(st.booleans())}, *digits]
    elif how == "normalizer":
        spaces = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
        steps = [*digits, *([spaces] if draw(st.booleans()) else [])]
    else:
        steps = [*digits, *draw(st.lists(splits(), max_size=1))]
    first = how == "metaspace" and steps[0]["prepend_scheme"] == "first"  # a changed start is no start to `tokenizers`
    said = model(dict(vocab), merges, byte_fallback=fallback, unk_token="<unk>", fuse_unk=draw(st.booleans()))
    added = draw(added_tokens(dict(vocab)))
    normalizer = None if first else draw(normalizers(how == "normalizer"))
    return taken_once(file({"added_tokens": added, "normalizer": normalizer, "pre_tokenizer": sequence(steps), "model": said}))


def ids_of(owner: tokenizers.Tokenizer, text: str) -> list[int] | None:
    """Encode as the owner does; None where it panics, as it does over some added tokens."""
    try:
        return list(owner.encode(text, add_special_tokens=False).ids)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def peer(said: dict[str, Any], special: bool) -> tokenizers.Tokenizer:
    """Load a file as its owner does; special tokens are found in text, or are only text."""
    made = tokenizers.Tokenizer.from_str(json.dumps(said))
    made.encode_special_tokens = not special
    return made
