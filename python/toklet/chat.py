"""Chat templates: a list of messages becomes the text that a model was trained on, and each stretch of that text says whose it is."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ._core import core
from .checks import as_path, check_text
from .history import trim_history
from .prompt import POLICIES, Prompt, Tail, guarded
from .reference.error import FormatError, PromptError, WrongTypeError, check_choice, is_many
from .reference.prompt import Part
from .tokenizer import Tokenizer

MAX_DEPTH = 100  # JSON nested deeper than this is nobody's message
CONTROL = re.compile(r"<\|[^\s|<>]+\|>")  # what most models' control tokens look like
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def plain(place: str, value: Any, change: Callable[[str], str] | None = None, depth: int = 0) -> Any:
    """Give a value as JSON has it, its texts changed by `change`; refuse what JSON doesn't have."""
    if depth > MAX_DEPTH:
        raise PromptError(place, f"nested more than {MAX_DEPTH} deep", "nested less")
    if isinstance(value, str):
        check_text(place, value)
        return change(value) if change else str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise PromptError(place, f"an int of {value.bit_length()} bits", "one of at most 64 bits")
        return int(value)
    if isinstance(value, float):
        if value - value != 0:
            raise PromptError(place, repr(value), "a finite number")
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise WrongTypeError(f"a key of {place}", repr(key)[:80], "a str")
        return {plain(f"a key of {place}", key, change): plain(f"{place}[{key!r}]", item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(f"{place}[{i}]", item, change, depth + 1) for i, item in enumerate(value)]
    raise WrongTypeError(place, f"of type {type(value).__name__}", "what JSON has: a str, a number, a bool, None, a list or a dict")


def mappings(place: str, values: Any, change: Callable[[str], str] | None = None) -> list[dict[str, Any]]:
    """Give a list of mappings as JSON has it."""
    if isinstance(values, Mapping) or not is_many(values):
        raise WrongTypeError(place, f"of type {type(values).__name__}", "a list of dicts")
    out = []
    for i, value in enumerate(values):
        if not isinstance(value, Mapping):
            raise WrongTypeError(f"{place}[{i}]", f"of type {type(value).__name__}", "a dict")
        out.append(plain(f"{place}[{i}]", value, change))
    return out


def listed(place: str, values: Any) -> Any:
    """Give a list of dicts as it is, anything like it as one."""
    return values if isinstance(values, list) and all(isinstance(value, dict) for value in values) else mappings(place, values)


class ChatTemplate:
    """A chat template as models publish it, in Jinja.

    The template's own text is trusted: a special token that it spells is one. What messages, tools, documents and variables say is only ever text.

    Parameters
    ----------
    source : str
        The template.
    clock : callable, optional
        Gives the `datetime` that the template's `strftime_now` shows; by default `datetime.now`.
    **special_tokens : str
        Texts that the template may use and that are trusted, such as `bos_token` and `eos_token`.

    Raises
    ------
    PromptError
        If the template can't be compiled.

    Examples
    --------
    >>> chat = ChatTemplate("{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}", eos_token="</s>")
    >>> chat.format([{"role": "user", "content": "Hello </s>"}])
    '<user>Hello </s></s>'
    >>> [(text, trusted) for text, trusted, *_ in chat.render_parts([{"role": "user", "content": "Hello </s>"}], special_tokens=["</s>"])]
    [('<user>', True), ('Hello </s>', False), ('</s>', True)]
    """

    __slots__ = ("_core", "clock", "source", "special_tokens")

    def __init__(self, source: str, *, clock: Callable[[], datetime] | None = None, **special_tokens: str | None) -> None:
        check_text("the chat template", source)
        if clock is not None and not callable(clock):
            raise WrongTypeError("clock", f"of type {type(clock).__name__}", "a callable that gives a datetime")
        for name, token in special_tokens.items():
            if token is not None:
                check_text(name, token)
        self.source = source
        self.clock = clock
        self.special_tokens = {name: token for name, token in special_tokens.items() if token is not None}
        self._core: Any = core.ChatTemplate(source, list(self.special_tokens.items()))

    @classmethod
    def chatml(cls) -> "ChatTemplate":
        """Give the template of ChatML.

        Examples
        --------
        >>> ChatTemplate.chatml().format([{"role": "user", "content": "Hi"}])
        '<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'
        """
        return cls(CHATML)

    @classmethod
    def load(cls, path: Any, *, name: str = "default", clock: Callable[[], datetime] | None = None) -> "ChatTemplate":
        """Read the template of a `tokenizer_config.json`, a `chat_template.json` or a `.jinja` file.

        Parameters
        ----------
        path : str or PathLike
        name : str
            Which template, where a file has several.
        clock : callable, optional
            As for `ChatTemplate`.

        Raises
        ------
        FormatError
            If the file has no such template.
        """
        file = Path(as_path(path))
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError(str(file), f"no UTF-8 from byte {error.start} on", "a text in UTF-8") from None
        if file.suffix != ".json":
            if "{{" not in text and "{%" not in text:
                raise FormatError(str(file), "without '{{' and '{%'", "a template in Jinja, or a .json file with a 'chat_template'")
            return cls(text, clock=clock)
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(str(file), f"no JSON: {error}", "a JSON object with 'chat_template'") from None
        found = config.get("chat_template") if isinstance(config, dict) else None
        if isinstance(found, list):
            named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
            if name not in named:
                raise FormatError(f"the template {name!r} of {file}", "missing", f"one of {list(named)}")
            found = named[name]
        if not isinstance(found, str):
            raise FormatError(str(file), "without a 'chat_template'", "a file that has one: a text, or a list of objects with 'name' and 'template'")
        tokens: dict[str, str] = {}
        for key, value in config.items():
            token = value.get("content") if isinstance(value, dict) else value
            if key.endswith("_token") and isinstance(token, str):
                tokens[key] = token
        return cls(found, clock=clock, **tokens)

    def _context(self, messages: Any, tools: Any, documents: Any, prompt: bool, final: bool, variables: Mapping[str, Any]) -> tuple[Any, tuple[int, ...]]:
        """Give what the template is rendered with, as the core has it, and the time."""
        if prompt and final:
            raise PromptError("add_generation_prompt", "True together with continue_final_message", "False when a final message is continued")
        given = {
            "messages": listed("messages", messages),
            "tools": None if tools is None else listed("tools", tools),
            "documents": None if documents is None else listed("documents", documents),
            "add_generation_prompt": bool(prompt),
            **variables,
        }
        context = core.ChatContext.read(given)
        if context is None:  # something in it is not what JSON has, or only like it
            context = core.ChatContext.read({name: plain(name, value) for name, value in given.items()})
        now = (self.clock or datetime.now)()
        if not isinstance(now, datetime):
            raise WrongTypeError("what the clock gives", f"of type {type(now).__name__}", "a datetime")
        return context, (now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond)

    def format(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool | None = None,
        continue_final_message: bool = False,
        **variables: Any,
    ) -> str:
        """Give the text.

        Parameters
        ----------
        messages : list of dicts
            Each with `role`, `content` and whatever else the template reads.
        tools, documents : list of dicts, optional
        add_generation_prompt : bool, optional
            End with what the template puts before an answer; by default, unless the final message is to be continued.
        continue_final_message : bool
            End where the content of the final message ends.
        **variables
            Whatever else the template reads.

        Returns
        -------
        str

        Raises
        ------
        PromptError
            If the template refuses the conversation, fails, or doesn't come to an end.
        """
        prompt = not continue_final_message if add_generation_prompt is None else add_generation_prompt
        context, now = self._context(messages, tools, documents, prompt, continue_final_message, variables)
        return str(self._core.text(context, now, bool(continue_final_message)))

    def render_parts(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool | None = None,
        continue_final_message: bool = False,
        special_tokens: Iterable[str] = (),
        **variables: Any,
    ) -> list[Part]:
        """Give the text in parts.

        Parameters
        ----------
        special_tokens : iterable of str
            The names of the tokenizer's special tokens: what only trusted text may spell. The other parameters are those of `format`.

        Returns
        -------
        list of Part
            Text; whether it is trusted; the role and the number of the message that it belongs to; and `"content"`, `"close"` (from the end of a content
            through the special token that ends the turn) or None.
        """
        prompt = not continue_final_message if add_generation_prompt is None else add_generation_prompt
        context, now = self._context(messages, tools, documents, prompt, continue_final_message, variables)
        return list(map(Part._make, self._core.parts(context, [token for token in special_tokens if token], now, bool(continue_final_message))))

    def render(
        self,
        tok: Tokenizer,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool | None = None,
        continue_final_message: bool = False,
        untrusted: str = "text",
        budget: int | None = None,
        reserve: int = 0,
        low: float = 0.75,
        dropped: int = 0,
        **variables: Any,
    ) -> Prompt:
        """Give the prompt, encoded by `tok`.

        Parameters
        ----------
        tok : Tokenizer
        untrusted : {"text", "error", "strip", "allow"}
            That of `Prompt`: what happens to a special token that messages spell.
        budget, reserve : int, optional
            How many ids there may be, the answer's `reserve` among them; older turns are dropped where they are more.
        low, dropped
            Those of `trim_history`; `prompt.dropped` is how many turns are dropped now.

        The other parameters are those of `format`.

        Returns
        -------
        Prompt
            Its parts know role and message; their slots are `"content"` and `"close"`, what ends a turn. Its `warnings` name what looks like a control token in
            the template and is none of the tokenizer's.

        Notes
        -----
        An answer's mask is its content through the token that ends its turn, whatever the template; where the template has `{% generation %}`, it is what that
        encloses. White space that the template strips from a message is in no part; where it writes white space of its own there, that counts as the message's
        if it is all that the message had, else as the template's. An answer of nothing but white space that is stripped has no place in the prompt.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=["<|im_start|>", "<|im_end|>"])
        >>> prompt = ChatTemplate.chatml().render(tok, [{"role": "user", "content": "<|im_end|>"}])
        >>> (prompt.ids == tok.id("<|im_end|>")).sum()
        np.int64(1)
        """
        if not isinstance(tok, Tokenizer):
            raise WrongTypeError("tok", f"of type {type(tok).__name__}", "a toklet.Tokenizer")
        check_choice("untrusted", untrusted, POLICIES)
        names = [name for name in tok.special_tokens if name]
        how: dict[str, Any] = {"tools": tools, "documents": documents, "continue_final_message": continue_final_message, **variables}
        start = not continue_final_message if add_generation_prompt is None else add_generation_prompt
        if untrusted == "strip":  # before the template can hide where a text goes
            special = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)")
            messages = mappings("messages", messages, lambda text: special.sub("", text))
            for name in ("tools", "documents"):
                how[name] = None if how[name] is None else mappings(name, how[name], lambda text: special.sub("", text))
        elif untrusted == "allow":
            names = []  # all is trusted: no text has to be told from the template's

        def parts(chat: Sequence[Mapping[str, Any]]) -> list[Part]:
            return self.render_parts(chat, add_generation_prompt=start, special_tokens=names, **how)

        def made(chat: Sequence[Mapping[str, Any]]) -> Prompt:
            return Prompt.of(guarded(parts(chat), tok, untrusted), tok)

        if budget is not None:
            messages, dropped = trim_history(messages, lambda chat: len(made(chat)), max(budget - reserve, 0), low=low, dropped=dropped)
        prompt = made(messages)
        prompt.dropped = dropped if budget is not None else 0
        prompt.warnings = self._unknown(prompt)
        prompt.goes_on(self._goes_on(names, list(messages), how))
        return prompt

    def _unknown(self, prompt: Prompt) -> list[str]:
        """Say which texts of the template look like special tokens, and are none for the tokenizer."""
        own = "".join([part.text if part.trusted else "\n" for part in prompt.parts])
        looks = {*CONTROL.findall(own), *(token for token in self.special_tokens.values() if token and token in own)}
        unknown = sorted(looks - prompt.tok.special_tokens.keys())
        if not unknown:
            return []
        return [f"the template writes {', '.join(map(repr, unknown))}, no special token of this tokenizer, so it is text: use the model's own tokenizer"]

    def _goes_on(self, names: list[str], messages: list[Mapping[str, Any]], how: dict[str, Any]) -> Tail:
        """Say what follows an answer: what a rendering of the longer chat has behind it."""

        def tail(said: str, more: Sequence[Mapping[str, Any]]) -> tuple[list[Part], Tail]:
            chat = [*messages, {"role": "assistant", "content": said or "…"}, *more]
            if not more:
                return [], self._goes_on(names, chat, how)
            parts = self.render_parts(chat, special_tokens=names, **(how | {"continue_final_message": False}))
            answer = [i for i, part in enumerate(parts) if part.message == len(messages) and part.slot == "content"]
            if not answer:
                raise PromptError("the chat template", "without a sign of where an answer ends", "one that shows what messages say")
            return parts[answer[-1] + 1 :], self._goes_on(names, chat, how)

        return tail

    def __repr__(self) -> str:
        return f"ChatTemplate({self.source!r})"
