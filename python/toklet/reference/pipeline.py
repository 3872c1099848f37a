"""What stands around the model: added tokens, the normalizer, what cuts text into pretokens, the template, and how ids become text again.

It is given and kept as JSON, in the words of tokenizer.json, without the vocabulary and the merges: `Pipeline` is made of that, refuses by name what it doesn't
do, and `text` is what it was made of. In the order of a text: the added tokens that aren't normalized are cut out; what stands between is normalized;
the normalized added tokens are cut out; a space may be put before what is left; it is cut into pretokens.

These files write a space as ▁. Where everything in a file that is a space becomes one, tokens are read with the space itself, and a ▁ in a text
becomes a space: the ids are the same, and a token's bytes are those of the text that it stands for.
"""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .charsmap import Charsmap
from .error import MAX_TOKEN_BYTES, ArgumentError, FormatError, TextError
from .fields import Fields, dumps
from .normalize import Char, Form, Step, characters, joined, normal_form, prepend, replace, sentencepiece
from .pretokenize import BEHAVIORS, Cutter, pretokens
from .special import AddedToken, Cut, cut
from .split import PATTERNS, STEPS, named
from .template import Template
from .vocab import Symbols

SPACE_MARK = "\u2581"
GROWTH, SPARE = 64, 4_096  # how many times as long a text may become, and some bytes: a few hostile steps could fill the memory
FORMS: dict[str, Form] = {"NFC": "NFC", "NFD": "NFD", "NFKC": "NFKC", "NFKD": "NFKD"}
Part = tuple[str, Any, Any]
SWAPPED = {ord(" "): SPACE_MARK, ord(SPACE_MARK): " "}


class Pipeline:
    """Made of a tokenizer.json without its vocabulary and merges."""

    def __init__(self, said: dict[str, Any], fields: Fields) -> None:
        self.said = said
        self.steps, self.marked = normalizer(fields, said.get("normalizer"))
        pre = PreTokenizer(fields, said.get("pre_tokenizer"), self.marked)
        self.byte_level, self.cutters, self.prefix = pre.byte_level, pre.cutters, pre.prefix
        self.metaspace = pre.metaspace
        self.spaced = self.marked or pre.metaspace
        self.strip = decoder(fields, said.get("decoder"), self.byte_level, self.spaced)
        self.template = Template.read(fields, said.get("post_processor"))
        self.added = added_tokens(fields, said.get("added_tokens"))
        self.raw = {token.content: token for token in self.added if not token.normalized}
        self.normalized: dict[str, AddedToken] = {}
        for token in self.added:
            sought = self._sought(token) if token.normalized else ""
            something = bool(sought) or not token.normalized or not (token.content or token.lstrip or token.rstrip)
            fields.need("an added token", token.content, something, "one of which normalizing leaves something")
            fields.need("an added token", token.content, sought not in self.normalized, "one that is looked for as no other one is, once normalized")
            self.normalized |= {sought: token} if sought else {}

    @property
    def pattern(self) -> str:
        """The regular expression that cuts text; "" where nothing does, and the JSON of the steps where there are several."""
        if not self.cutters:
            return ""
        if len(self.cutters) == 1 and self.cutters[0].covers:
            return PATTERNS[named(self.cutters[0].pattern)]
        return dumps(self.said["pre_tokenizer"])

    @property
    def plain(self) -> bool:
        """Whether a pattern and special tokens say all of it."""
        marked = any(token != AddedToken(token.content, token.id, normalized=token.normalized) for token in self.added)
        one = len(self.cutters) < 2 and all(cutter.covers for cutter in self.cutters) and self.prefix == "never" and self.byte_level
        return one and not self.steps and not marked and not (self.raw and self.normalized) and self.template is None

    def kind(self, tokens: Mapping[bytes, int], specials: Mapping[str, int]) -> Symbols:
        """Give what a vocabulary has to know of this."""
        model = self.said.get("model", {})
        unknown = model.get("unk_token")
        return Symbols(
            characters=not self.byte_level,
            bytes=model.get("bytes", ()),
            unknown=None if unknown is None else specials.get(unknown, tokens.get(self.read(unknown))),
            fuse=bool(model.get("fuse_unk")),
            ranks=dict(zip(sorted(tokens, key=tokens.__getitem__), model["ranks"], strict=True)) if model.get("ranks") else None,
            added={token.content: token.id for token in self.added if not token.special and token.id not in tokens.values()},
            strip=self.strip,
            utf8=self.byte_level,
        )

    def read(self, spelled: str) -> bytes:
        """Read a token that is spelled in characters."""
        return (spelled.translate(SWAPPED) if self.spaced else spelled).encode()

    def spell(self, token: bytes) -> str:
        """Spell a token in characters."""
        return token.decode().translate(SWAPPED) if self.spaced else token.decode()

    def _sought(self, token: AddedToken) -> str:
        """Give what a normalized added token is looked for as."""
        if Fields.get(self.said, "normalizer.type") == "SentencePiece":
            return token.content
        return joined(self.normalize(characters(token.content.encode())))

    def normalize(self, chars: list[Char]) -> list[Char]:
        """Normalize a text that stands between added tokens."""
        most = GROWTH * sum(len(c.encode("utf-8", "surrogateescape")) for c, _, _ in chars) + SPARE
        for step in self.steps:
            chars = step(chars)
            if sum(len(c.encode("utf-8", "surrogateescape")) for c, _, _ in chars) > most:
                raise TextError("the text, normalized,", f"over {most} bytes long", f"at most {GROWTH} times as long as it was, and {SPARE} bytes")
        return chars

    def sections(self, data: bytes, allowed: Collection[str] = (), refuse: bool = False) -> Iterator[Cut]:
        """Cut a text at added tokens, and normalize the rest."""
        for token, chars in cut(characters(data), self.raw, allowed, refuse):
            if token is None:
                yield from cut(self.normalize(chars), self.normalized, allowed, refuse, self.marked)
            else:
                yield token, chars

    def pretokens(self, chars: list[Char], at_start: bool) -> Iterator[list[Char]]:
        """Cut what is left into pretokens."""
        if self.metaspace:
            chars = replace(SPACE_MARK, " ")(chars)
        if self.prefix == "always" or (self.prefix == "first" and at_start and chars[0][1] == 0):
            chars = chars if joined(chars[:1]) == " " else prepend(" ")(chars)
        for start, end in pretokens(joined(chars), self.cutters):
            yield chars[start:end]


def added_tokens(fields: Fields, said: Any) -> list[AddedToken]:
    """Read the added tokens."""
    added: dict[str, AddedToken] = {}
    for token in fields.typed("added_tokens", [] if said is None else said, list, "a list"):
        content = fields.typed("the content of an added token", fields.get({} if token is None else token, "content"), str, "a text")
        special = fields.flag(f"special of {content!r}", token.get("special"), False)
        flags = {flag: fields.flag(f"{flag} of {content!r}", token.get(flag), False) for flag in ("lstrip", "rstrip", "single_word", "normalized")}
        fields.need("an added token", content, content not in added, "one that isn't added twice")
        added[content] = AddedToken(content, fields.id(content, token.get("id")), special, **flags)
    return list(added.values())


def normalizer(fields: Fields, said: Any) -> tuple[list[Step], bool]:
    """Read a normalizer: its steps, and whether it turns every space into ▁ (which they then leave a space)."""
    parts = fields.steps("normalizer", said, "normalizers")
    for part in parts:
        fields.one_of("normalizer.type", part.get("type"), *FORMS, "Prepend", "Replace", "SentencePiece")
    flat = [part_of(fields, part) for part in parts]
    marks = next((i for i, part in enumerate(flat) if part == ("Replace", " ", SPACE_MARK)), None)
    if marks is not None and all(kind == "Prepend" for kind, _, _ in flat[marks + 1 :]):
        # from there on a space stands where the file says ▁, and the other way round
        behind = [(kind, text.translate(SWAPPED), None) for kind, text, _ in flat[marks + 1 :]]
        flat = [*flat[:marks], ("Replace", SPACE_MARK, " "), *behind]
    else:
        marks = None
    spaced = marks is not None or flat[-1:] == [part for part in flat if part[0] == "SentencePiece"] != []
    return [step_of(fields, *part) for part in flat], spaced


def short(fields: Fields, field: str, found: Any) -> str:
    """Read a text that is put into others."""
    fits = len(fields.text(field, found).encode()) <= MAX_TOKEN_BYTES
    return str(fields.need(field, found, fits, f"at most {MAX_TOKEN_BYTES} bytes long"))


def part_of(fields: Fields, part: dict[str, Any]) -> Part:
    """Read a part of a normalizer: its type and what it says."""
    if part["type"] == "Prepend":
        return "Prepend", short(fields, "normalizer.prepend", part.get("prepend")), None
    if part["type"] != "Replace":
        return part["type"], part, None
    regex = fields.get(part, "pattern.Regex")
    if isinstance(regex, str):
        raise ArgumentError("normalizer.pattern.Regex", repr(regex), "a text: a regular expression needs the native backend")
    old = fields.text("normalizer.pattern.String", fields.get(part, "pattern.String"))
    fields.need("normalizer.pattern.String", old, old != "", "a text that isn't empty")
    return "Replace", old, short(fields, "normalizer.content", part.get("content"))


def step_of(fields: Fields, kind: str, what: Any, new: Any) -> Step:
    """Give the step that a part of a normalizer is."""
    if kind == "Prepend":
        return prepend(what)
    if kind == "Replace":
        return replace(what, new)
    if kind in FORMS:
        return normal_form(FORMS[kind])
    try:
        data = base64.b64decode(fields.text("precompiled_charsmap", what.get("precompiled_charsmap")), validate=True)
    except binascii.Error:
        raise FormatError(f"precompiled_charsmap of {fields.name}", "no base64", "base64") from None
    kept = [fields.text("kept", name) for name in what.get("kept", [])]
    return sentencepiece(Charsmap(data, fields.name) if data else None, bool(what.get("squeeze")), bool(what.get("prefix")), kept)


def isolated(step: dict[str, Any]) -> str:
    """Give the regular expression that a step is no more than, or "". A line break may stand in it as itself."""
    regex, invert, text = Fields.get(step, "pattern.Regex"), step.get("invert"), Fields.get(step, "pattern.String")
    whole = step.get("type") == "Split" and step.get("behavior") == "Isolated" and text is None and (invert is None or invert is False)
    return regex.replace("\r", r"\r").replace("\n", r"\n") if whole and isinstance(regex, str) else ""


def together(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the steps, where those as which a built-in pattern is published are one."""
    joined, said, at = [], tuple(map(isolated, steps)), 0
    while at < len(steps):
        name = next((name for name, published in STEPS.items() if said[at : at + len(published)] == published), "")
        joined.append({"type": "Split", "pattern": {"Regex": PATTERNS[name]}, "behavior": "Isolated"} if name else steps[at])
        at += len(STEPS.get(name, " "))
    return joined


class PreTokenizer:
    """Reads a pre-tokenizer: steps that cut, what is put before a text, and whether tokens are spelled in bytes or in characters."""

    def __init__(self, fields: Fields, said: Any, spaced: bool) -> None:
        self.fields, self.spaced = fields, spaced
        self.cutters: list[Cutter] = []
        self.prefix, self.byte_level, self.metaspace = "never", False, False
        steps = together(fields.steps("pre_tokenizer", said, "pretokenizers"))
        for i, step in enumerate(steps):
            kind = fields.one_of("pre_tokenizer.type", step.get("type"), "ByteLevel", "Split", "Digits", "Metaspace")
            if kind == "ByteLevel":
                fields.need("the pre-tokenizer behind ByteLevel", steps[i + 1 :], i + 1 == len(steps), "nothing: bytes can't be cut")
            {"ByteLevel": self.bytes, "Split": self.split, "Digits": self.digits, "Metaspace": self.meta}[kind](step)

    def _prefixed(self, field: str, scheme: str) -> None:
        fits = scheme == "never" or not self.cutters
        self.fields.need(field, scheme, fits, "false behind a step that cuts")
        self.prefix = scheme

    def bytes(self, step: dict[str, Any]) -> None:
        """ByteLevel: tokens are spelled in bytes; by itself it cuts as GPT-2 does."""
        self.byte_level = True
        self.fields.need("ByteLevel", step, not self.metaspace and not self.spaced, "without ▁ for spaces")
        self._prefixed("add_prefix_space", "always" if self.fields.flag("add_prefix_space", step.get("add_prefix_space"), True) else "never")
        if self.fields.flag("use_regex", step.get("use_regex"), True):
            self.cutters.append(Cutter("regex", "gpt2"))

    def split(self, step: dict[str, Any]) -> None:
        """Split: by a text or a regular expression."""
        regex, text = self.fields.get(step, "pattern.Regex"), self.fields.get(step, "pattern.String")
        behavior = self.fields.one_of("behavior", step.get("behavior"), *BEHAVIORS)
        invert = self.fields.flag("invert", step.get("invert"), False)
        self.fields.need("Split", step, not self.metaspace, "in front of Metaspace, which writes spaces as ▁")
        if text is None:
            self.fields.need("pattern.Regex", self.fields.text("pattern.Regex", regex), regex != "", "a regular expression that isn't empty")
            self.fields.need("pattern.Regex", regex, not self.spaced, "a text: spaces are written as ▁")
            self.cutters.append(Cutter("regex", regex, behavior, invert))
        else:
            text = self.fields.need("pattern.String", self.fields.text("pattern.String", text), text != "", "a text that isn't empty")
            self.cutters.append(Cutter("text", text.translate(SWAPPED) if self.spaced else text, behavior, invert))

    def digits(self, step: dict[str, Any]) -> None:
        """Digits: each by itself, or those that stand together."""
        alone = self.fields.flag("individual_digits", step.get("individual_digits"), False)
        self.cutters.append(Cutter("digits", "", "Isolated" if alone else "Contiguous"))

    def meta(self, step: dict[str, Any]) -> None:
        """Metaspace: a ▁ for each space, and one before the text; cut in front of each."""
        self.fields.one_of("replacement", step.get("replacement"), SPACE_MARK)
        self.fields.need("Metaspace", step, not self.metaspace and all(cutter.kind == "digits" for cutter in self.cutters), "there once, and not behind Split")
        scheme = self.fields.one_of("prepend_scheme", step.get("prepend_scheme", "always"), "always", "first", "never")
        self._prefixed("prepend_scheme", scheme)
        self.metaspace = True
        if self.fields.flag("split", step.get("split"), True):
            self.cutters.append(Cutter("text", " ", "MergedWithNext"))


def decoder(fields: Fields, said: Any, byte_level: bool, spaced: bool) -> bool:
    """Read a decoder, which must give back the text that was encoded; whether it drops a space at the start."""
    strip = False
    for step in fields.steps("decoder", said, "decoders"):
        if byte_level:
            fields.one_of("decoder.type", step.get("type"), "ByteLevel")
            continue
        kind = fields.one_of("decoder.type", step.get("type"), "Replace", "ByteFallback", "Fuse", "Strip", "Metaspace")
        if kind in ("Replace", "Metaspace"):
            fields.need(f"decoder.{kind}", step, spaced, "there only where spaces are written as ▁")
        if kind == "Replace":
            fields.one_of("decoder.pattern", step.get("pattern"), {"String": SPACE_MARK})
            fields.one_of("decoder.content", step.get("content"), " ")
        if kind == "Strip":
            fields.one_of("decoder.content", step.get("content"), " ")
            strip = fields.one_of("decoder.start", step.get("start"), 0, 1) == 1
            fields.one_of("decoder.stop", step.get("stop"), 0)
        if kind == "Metaspace":
            strip = fields.one_of("prepend_scheme", step.get("prepend_scheme", "always"), "always", "first", "never") != "never"
    return strip
