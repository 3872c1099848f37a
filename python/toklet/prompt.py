"""A prompt: parts that know where they come from, the ids that they become, and what can be asked of both.

A part is text, and whether it is trusted: the template's own. Only trusted text can spell a special token, and only where the whole of it lies inside one
trusted run; all text between two special tokens is encoded as one. So text never becomes a control token, and honest text has the ids that it always has.
A token that lies across parts belongs to the part of its first byte.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import as_array, as_ids
from .checks import check_text
from .colours import in_colour, line_of, page_of
from .reference.error import PromptError, WrongTypeError, check_choice, is_many
from .reference.prompt import Part, Special
from .tokenizer import Tokenizer

POLICIES = ("text", "error", "strip", "allow")
SHOWN = 512  # how many tokens a repr shows

Tail = Callable[[str, Sequence[Any]], tuple[list[Part], Any]]
"""How a prompt goes on: (what the model said, the next messages) -> the parts behind what it said, and how that prompt goes on."""


class Span(NamedTuple):
    """Where a part stands in its prompt: (start, end) in ids and in characters, half open, and what the part knows."""

    ids: tuple[int, int]
    characters: tuple[int, int]
    trusted: bool
    role: str | None
    message: int | None
    slot: str | None


class CacheReport(NamedTuple):
    """What a cache of an earlier prompt's prefix is worth to this one.

    Attributes
    ----------
    common : int
        How many ids are the same from the start: what need not be computed again.
    lost : int
        How many ids of the earlier prompt are not among them.
    changed : Span or None
        The part of this prompt in which the first id differs; None where this prompt only goes on, or ends.
    """

    common: int
    lost: int
    changed: Span | None

    def __str__(self) -> str:
        of = f"{self.common} ids are shared, {self.lost} are lost"
        if self.changed is None:
            return of
        named = [f"{name} {value!r}" for name in ("role", "message", "slot") if (value := getattr(self.changed, name)) is not None]
        return f"{of}: the first that differs lies in {', '.join(named) or ('the template' if self.changed.trusted else 'a text')}"


def as_parts(parts: Any) -> list[Part]:
    """Give a prompt's parts: parts, (text, trusted) pairs, or a template string (PEP 750), whose literal text is trusted and whose values aren't."""
    if hasattr(parts, "strings") and hasattr(parts, "interpolations"):
        convert: dict[str | None, Callable[[Any], Any]] = {None: str, "s": str, "r": repr, "a": ascii}
        values = [format(i.value if i.conversion is None and i.format_spec else convert[i.conversion](i.value), i.format_spec) for i in parts.interpolations]
        slots = [Part(text, slot=i.expression) for text, i in zip(values, parts.interpolations, strict=True)]
        found = [Part(parts.strings[0], trusted=True)]
        for slot, literal in zip(slots, parts.strings[1:], strict=True):
            found += [slot, Part(literal, trusted=True)]
        return [part for part in found if part.text]
    found, allowed = list[Part](), "a list of parts, or of (text, trusted) pairs"
    if not is_many(parts):
        raise WrongTypeError("parts", f"of type {type(parts).__name__}", allowed)
    for i, part in enumerate(parts):
        if not isinstance(part, tuple | list) or not 1 <= len(part) <= len(Part._fields):
            raise WrongTypeError(f"part {i}", repr(part)[:80], allowed)
        found.append(Part(part[0], bool(len(part) > 1 and part[1]), *part[2:]))
        check_text(f"part {i}", found[i].text)
        for name, kind in (("role", str), ("message", int), ("slot", str)):
            if not isinstance(getattr(found[i], name), kind | None):
                raise WrongTypeError(f"the {name} of part {i}", repr(getattr(found[i], name))[:80], f"a {kind.__name__} or None")
    return found


def as_pairs(texts: Sequence[Any]) -> list[Any]:
    """Give texts as untrusted parts; parts stay what they are."""
    return [(text, False) if isinstance(text, str) else text for text in texts]


def guarded(parts: list[Part], tok: Tokenizer, untrusted: str) -> list[Part]:
    """Do with untrusted text that spells a special token what the policy says; it must lie in one part, or in neighbours that are all untrusted."""
    check_choice("untrusted", untrusted, POLICIES)
    if untrusted == "text":
        return parts
    names = sorted(tok.special_tokens, key=len, reverse=True)
    if not names:
        return parts
    if untrusted == "allow":
        return [part._replace(trusted=True) for part in parts]
    special = re.compile("|".join(map(re.escape, names)))
    if untrusted == "strip":  # once: what comes together then is text, as all untrusted text is
        return [part if part.trusted else part._replace(text=special.sub("", part.text)) for part in parts]
    for trusted, run in groupby(enumerate(parts), key=lambda item: item[1].trusted):
        items = list(run)
        if not trusted and (found := special.search("".join(part.text for _, part in items))):
            allowed = "text that spells no special token: untrusted='text' takes it as text, 'strip' takes it out"
            raise PromptError(f"part {items[0][0]}", f"with the special token {found[0]!r} in it", allowed)
    return parts


def encoded(parts: Iterable[Part], tok: Tokenizer) -> NDArray[np.uint32]:
    """Give the ids of parts. A part that is a special token by name stands in a trusted run of its own: nothing beside it can make another one of it."""
    pairs: list[tuple[str, bool]] = []
    for part in parts:
        if type(part.text) is Special:
            if part.text not in tok.special_tokens:
                raise PromptError("the special token", repr(str(part.text)), f"one of the tokenizer's: {list(tok.special_tokens)}")
            pairs += [("", False), (str(part.text), True), ("", False)]
        else:
            pairs.append(part[:2])
    return as_array(tok._core.encode_parts(pairs), np.uint32)


class Prompt:
    """A rendered prompt: its parts, its text, its ids.

    Parameters
    ----------
    parts : list of Part, list of (str, bool), or template string
        Text, and whether it is trusted: the template's own. Only trusted text can spell a special token; `Part.special(name)` is one. Of a template string
        (`t"…"`, Python 3.14) the literal text is trusted and the values aren't.
    tok : Tokenizer
    untrusted : {"text", "error", "strip", "allow"}
        What untrusted text that spells a special token is: text; refused; taken out; or the special token.

    Attributes
    ----------
    parts : list of Part
    text : str
        The parts, joined.
    ids : uint32 array, shape (n,)
    receipt : Receipt or None
        What a budget did to it.
    dropped : int
        How many turns of a chat a budget dropped.
    warnings : list of str
        Faults at the joins between parts, and what only looks like a special token, each with its fix.

    Examples
    --------
    >>> import toklet
    >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<|end|>"])
    >>> prompt = Prompt([("hi ", True), ("<|end|>", False), ("<|end|>", True)], tok)
    >>> (prompt.ids == tok.id("<|end|>")).sum(), len(prompt)
    (np.int64(1), 11)
    """

    __slots__ = ("_bytes", "_tail", "dropped", "ids", "parts", "receipt", "text", "tok", "warnings")

    def __init__(self, parts: Iterable[Any], tok: Tokenizer, *, untrusted: str = "text") -> None:
        if not isinstance(tok, Tokenizer):
            raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a toklet.Tokenizer")
        given = guarded(as_parts(parts), tok, untrusted)
        self._hold(given, tok, encoded(given, tok))

    @classmethod
    def of(cls, parts: list[Part], tok: Tokenizer, ids: NDArray[np.uint32] | None = None) -> "Prompt":
        """Make a prompt of parts that need no checks, since toklet itself has made them, and of their ids, if they are known."""
        made = cls.__new__(cls)
        made._hold(parts, tok, encoded(parts, tok) if ids is None else ids)
        return made

    def _hold(self, parts: list[Part], tok: Tokenizer, ids: NDArray[np.uint32]) -> None:
        self.tok, self.parts, self.ids = tok, parts, ids
        self.text = "".join([part.text for part in parts])
        self._bytes: list[int] | None = None
        self._tail: Tail | None = None
        self.receipt: Any = None
        self.dropped = 0
        self.warnings: list[str] = []

    @property
    def _sizes(self) -> list[int]:
        """How many bytes each part has."""
        if self._bytes is None:
            self._bytes = [len(part.text.encode()) for part in self.parts]
        return self._bytes

    def goes_on(self, tail: Tail) -> None:
        """Say how it goes on: what stands behind a completion, and before what comes next."""
        self._tail = tail

    def ends(self) -> NDArray[np.uint64]:
        """Give where each id ends in the text, in bytes, behind a 0."""
        return as_array(self.tok._core.ends(self.ids), np.uint64)

    def _bounds(self) -> NDArray[np.intp]:
        """Give where the ids of each part begin, and where the last one's end."""
        return np.concatenate(([0], np.searchsorted(self.ends()[:-1], np.cumsum(self._sizes, dtype=np.uint64))))

    def lengths(self) -> NDArray[np.intp]:
        """Give how many ids each part has."""
        return np.diff(self._bounds())

    def _owners(self) -> NDArray[np.intp]:
        """Give the number of the part that each id belongs to."""
        return np.repeat(np.arange(len(self.parts)), self.lengths())

    @property
    def spans(self) -> list[Span]:
        """Where each part stands, in ids and in characters."""
        bounds, found, at = self._bounds().tolist(), [], 0
        for part, ids in zip(self.parts, pairwise(bounds), strict=True):
            found.append(Span(ids, (at, at + len(part.text)), part.trusted, part.role, part.message, part.slot))
            at += len(part.text)
        return found

    def mask(self, role: str | None = None, *, slot: str | None = None, message: int | None = None, close: bool = True) -> NDArray[np.bool_]:
        """Say of each id whether it belongs to some parts: what a model is to learn, say.

        Parameters
        ----------
        role : str, optional
            Of this role: `"assistant"`.
        slot : str, optional
            Of this slot of a template; in a chat `"content"` or `"close"`, which is what ends a turn.
        message : int, optional
            Of this message or example; counted from 0.
        close : bool
            Whether the tokens that end a turn count: a model that is to stop must learn them.

        Returns
        -------
        bool array, shape (n,)

        Raises
        ------
        PromptError
            If no id does.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
        >>> prompt = toklet.Template("{{ q }}={{ a }}").render(tok, q="1+1", a="2")
        >>> prompt.mask(slot="a")
        array([False, False, False, False,  True])
        """
        wanted = {"role": role, "slot": slot, "message": message}
        asked = {name: value for name, value in wanted.items() if value is not None}
        chosen = [all(getattr(part, name) == value for name, value in asked.items()) and (close or part.slot != "close") for part in self.parts]
        found: NDArray[np.bool_] = np.repeat(np.array(chosen, np.bool_), self.lengths())
        if not found.any():
            allowed = f"that of something in the prompt: roles {self._known('role')}, slots {self._known('slot')}, messages {self._known('message')}"
            raise PromptError("the mask of " + (", ".join(f"{name} {value!r}" for name, value in asked.items()) or "nothing"), "empty", allowed)
        return found

    def _known(self, name: str) -> list[Any]:
        return list(dict.fromkeys(value for part in self.parts if (value := getattr(part, name)) is not None))

    def extend(self, completion: Iterable[int] | NDArray[Any], messages: Sequence[Any] = ()) -> "Prompt":
        """Go on after a completion. The new prompt begins with exactly these ids and the completion's: nothing that a model has seen is encoded again.

        Parameters
        ----------
        completion : ids
            What the model gave; with the token that ends a turn, or without.
        messages : sequence
            What comes next: messages of a chat, if the prompt is one; else parts or texts.

        Returns
        -------
        Prompt

        Raises
        ------
        PromptError
            If the template doesn't show where its next message begins.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
        >>> toklet.Prompt([("1+1=", True)], tok).extend(tok.encode("2"), [", 2+2="]).text
        '1+1=2, 2+2='
        """
        given = as_ids(completion)
        closed = len(given) > 0 and int(given[-1]) in self.tok.special_tokens.values()
        said, closing = (given[:-1], given[-1:]) if closed else (given, given[:0])
        turn = max((part.message for part in self.parts if part.message is not None), default=-1) + 1
        known = [(Part(self.tok.decode(said), role="assistant", message=turn, slot="content"), said)]
        if closed:
            known.append((Part(self.tok.decode(closing), trusted=True, role="assistant", message=turn, slot="close"), closing))
        tail, then = self._tail(known[0][0].text, messages) if self._tail else (as_parts(as_pairs(messages)), None)
        if closed and tail and tail[0].slot == "close":
            tail = tail[1:]  # the model has ended its turn itself
        more, new = Prompt.of(tail, self.tok), Prompt.__new__(Prompt)
        new._hold([*self.parts, *(part for part, _ in known), *more.parts], self.tok, np.concatenate((self.ids, given, more.ids)))
        new._bytes = [*self._sizes, *(len(self.tok.decode_bytes(ids)) for _, ids in known), *more._sizes]
        new._tail, new.dropped = then, self.dropped
        return new

    def cache_report(self, previous: "Prompt") -> CacheReport:
        """Say what a cache of an earlier prompt is worth: how long the common prefix is, how much is lost, and what changed.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
        >>> today = toklet.Template("{{ date }}: {{ q }}")
        >>> print(today.render(tok, date="Tue", q="hi").cache_report(today.render(tok, date="Mon", q="hi")))
        0 ids are shared, 7 are lost: the first that differs lies in slot 'date'
        """
        if not isinstance(previous, Prompt):
            raise WrongTypeError("previous", f"of type {type(previous).__name__}", "a toklet.Prompt")
        n = min(len(self.ids), len(previous.ids))
        differs = np.flatnonzero(self.ids[:n] != previous.ids[:n])
        common = int(differs[0]) if len(differs) else n
        changed = self.spans[int(self._owners()[common])] if common < min(len(self.ids), len(previous.ids)) else None
        return CacheReport(common, len(previous.ids) - common, changed)

    def __len__(self) -> int:
        return len(self.ids)

    def __str__(self) -> str:
        return self.text

    def _tokens(self) -> list[bytes]:
        return [self.tok.token(id) for id in self.ids[:SHOWN].tolist()]

    def __repr__(self) -> str:
        more = f" and {len(self.ids) - SHOWN} more" if len(self.ids) > SHOWN else ""
        return f"<Prompt of {len(self.ids)} ids: {line_of(self._tokens(), in_colour())}{more}>"

    def _repr_html_(self) -> str:
        owners = self._owners()[:SHOWN].tolist()
        about = [", ".join(str(value) for value in ("trusted" if part.trusted else "text", part.role, part.slot) if value is not None) for part in self.parts]
        titles = [f"{id}: {about[owner]}" for id, owner in zip(self.ids[:SHOWN].tolist(), owners, strict=True)]
        return page_of(self._tokens(), titles)
