"""A tokenizer with the interface that transformers' fast ones have, for data pipelines.

As there, a special token that a text spells is one, unless `split_special_tokens=True` says that texts are only text: say so for the texts of strangers.
Offsets are exact: those of a token that begins with a space begin at that space. What a call does stands in `calling`; what is here is what a tokenizer is, and
the way from ids to text.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from ..._core import files
from ...chat import ChatTemplate
from ...checks import as_path
from ...formats.huggingface import BYTES, CHARACTERS
from ...reference.error import ArgumentError, FormatError, TokenError, WrongTypeError
from ...tokenizer import Tokenizer
from .calling import UNBOUNDED, Calls
from .encoded import Rows, kept

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
SETTINGS = ("chat_template", "model_max_length", "padding_side", "truncation_side", "model_input_names", "split_special_tokens")


class PreTrainedTokenizerFast(Calls):
    """A toklet `Tokenizer` under the interface of transformers.

    Parameters
    ----------
    tokenizer : Tokenizer
    chat_template : str, optional
        The Jinja source for `apply_chat_template`.
    model_max_length : int
        Where `truncation=True` cuts if `max_length` isn't said.
    padding_side, truncation_side : {"right", "left"}
    model_input_names : sequence of str
        The columns that a call gives; the first one has the ids.
    split_special_tokens : bool
        Whether what a text spells is only ever text.
    **special_tokens
        `bos_token`, `eos_token`, `unk_token`, `sep_token`, `pad_token`, `cls_token`, `mask_token` (names that the tokenizer has) and
        `additional_special_tokens` (a list of names).

    Examples
    --------
    >>> tok = Tokenizer.from_merges([(b"a", b"b")], pattern="gpt2", special_tokens=["<pad>"])
    >>> fast = PreTrainedTokenizerFast(tok, pad_token="<pad>")
    >>> fast(["abc", "a"], padding=True)["input_ids"]
    [[256, 99], [97, 257]]
    """

    is_fast = True

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        chat_template: str | None = None,
        model_max_length: int = UNBOUNDED,
        padding_side: str = "right",
        truncation_side: str = "right",
        model_input_names: Sequence[str] = ("input_ids", "attention_mask"),
        split_special_tokens: bool = False,
        name_or_path: str = "",
        **special_tokens: Any,
    ) -> None:
        if not isinstance(tokenizer, Tokenizer):
            raise WrongTypeError("tokenizer", f"of type {type(tokenizer).__name__}", "a toklet.Tokenizer")
        self.tokenizer = tokenizer
        self.chat_template, self.model_max_length, self.name_or_path = chat_template, model_max_length, name_or_path
        self.padding_side, self.truncation_side = padding_side, truncation_side
        self.model_input_names, self.split_special_tokens = list(model_input_names), split_special_tokens
        self.additional_special_tokens = [self._known(name) for name in special_tokens.pop("additional_special_tokens", None) or ()]
        for name in special_tokens:
            if name not in NAMED:
                raise ArgumentError("the parameter", repr(name), f"one of {', '.join(NAMED)}, additional_special_tokens")
        self._named = {name: self._known(token) for name, token in special_tokens.items() if token is not None}

    def _known(self, token: Any) -> str:
        content = str(token["content"] if isinstance(token, dict) else token)
        try:
            self.tokenizer.id(content)
        except TokenError:
            raise ArgumentError("the special token", repr(content), "a token of the tokenizer") from None
        return content

    # files

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str], **changes: Any) -> "PreTrainedTokenizerFast":
        """Load a folder with a tokenizer.json, and with a tokenizer_config.json and a chat_template.jinja if there are any, or a tokenizer.json alone.

        Nothing is downloaded: `path` is a place on this machine.

        Raises
        ------
        FormatError
            If a file is damaged, or asks for what toklet doesn't do.
        OSError
            If there is no tokenizer.json.
        """
        name = as_path(path)
        folder = name if os.path.isdir(name) else os.path.dirname(name)
        config = settings(os.path.join(folder, "tokenizer_config.json"))
        given: dict[str, Any] = {key: config[key] for key in (*NAMED, "additional_special_tokens", *SETTINGS) if config.get(key) is not None}
        template = os.path.join(folder, "chat_template.jinja")
        if os.path.exists(template):
            with open(template, encoding="utf-8") as file:
                given["chat_template"] = file.read()
        file_name = os.path.join(folder, "tokenizer.json") if os.path.isdir(name) else name
        return cls(Tokenizer._of(files.load(file_name, None, None)), **{"name_or_path": name, **given, **changes})

    def save_pretrained(self, path: str | os.PathLike[str]) -> tuple[str, ...]:
        """Save a folder that `from_pretrained`, here and of transformers, loads; give the names of its files."""
        folder = as_path(path)
        os.makedirs(folder, exist_ok=True)
        names = tuple(os.path.join(folder, name) for name in ("tokenizer_config.json", "tokenizer.json"))
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **self._named, "additional_special_tokens": self.additional_special_tokens}
        config |= {name: getattr(self, name) for name in SETTINGS}
        with open(names[0], "w", encoding="utf-8") as file:
            json.dump({name: value for name, value in config.items() if value not in (None, [])}, file, ensure_ascii=False, indent=2)
        self.tokenizer.save(names[1])
        return names

    # what there is

    def __getattr__(self, name: str) -> Any:
        if name in NAMED:
            return self.__dict__["_named"].get(name)
        if name.endswith("_id") and name[:-3] in NAMED:
            token = self.__dict__["_named"].get(name[:-3])
            return None if token is None else self.tokenizer.id(token)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in NAMED:
            super().__setattr__(name, value)
        elif value is None:
            self._named.pop(name, None)
        else:
            self._named[name] = self._known(value)

    @property
    def special_tokens_map(self) -> dict[str, Any]:
        """The names of special tokens, by what they are for."""
        more = {"additional_special_tokens": self.additional_special_tokens} if self.additional_special_tokens else {}
        return {**self._named, **more}

    @property
    def all_special_tokens(self) -> list[str]:
        """The names of the special tokens that are for something."""
        return list(dict.fromkeys([*self._named.values(), *self.additional_special_tokens]))

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of these."""
        return [self.tokenizer.id(token) for token in self.all_special_tokens]

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return self.tokenizer.vocab_size

    def __len__(self) -> int:
        return self.tokenizer.vocab_size

    def get_vocab(self) -> dict[str, int]:
        """Give all tokens, written as transformers writes them, and their ids."""
        return {spelled(token): id for token, id in self.tokenizer.tokens.items()} | self.tokenizer.special_tokens

    vocab = property(get_vocab)

    def get_added_vocab(self) -> dict[str, int]:
        """Give the special tokens and their ids."""
        return self.tokenizer.special_tokens

    def __repr__(self) -> str:
        return f"<PreTrainedTokenizerFast {self.tokenizer!r} {self.special_tokens_map}>"

    # ids -> text

    def decode(self, token_ids: Any, skip_special_tokens: bool = False, **how: Any) -> Any:
        """Decode ids; rows of ids give a list. What isn't UTF-8 becomes U+FFFD; `skip_special_tokens` leaves special tokens out."""
        ids = plain(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], list):
            return self.batch_decode(ids, skip_special_tokens)
        return self.tokenizer.decode(self._without(ids, skip_special_tokens))

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False, **how: Any) -> list[str]:
        """Decode rows of ids."""
        return self.tokenizer.decode_batch([self._without(plain(row), skip_special_tokens) for row in sequences])

    def _without(self, ids: Any, skip: bool) -> list[int]:
        found = [ids] if isinstance(ids, int) else ids
        special = set(self.tokenizer.special_tokens.values()) if skip else ()
        return [id for id in found if id not in special]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Give the token of an id, or of each, as transformers writes it."""
        names = {id: name for name, id in self.tokenizer.special_tokens.items()}
        found = plain(ids)
        tokens = [names.get(id) or spelled(self.tokenizer.token(id)) for id in self._without(found, skip_special_tokens)]
        return tokens[0] if isinstance(found, int) else tokens

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """Give the id of a token as transformers writes it, or of each; that of the unknown token, or None, if there is no such token."""
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        special = self.tokenizer.special_tokens.get(tokens)
        if special is not None:
            return special
        try:
            return self.tokenizer.id(unspelled(tokens))
        except (KeyError, TokenError):
            return self.unk_token_id

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join tokens to text."""
        special = self.tokenizer.special_tokens
        return b"".join(token.encode() if token in special else unspelled(token) for token in tokens).decode("utf-8", "replace")

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False, **how: Any) -> list[str]:
        """Encode a text, and give its tokens as transformers writes them."""
        tokens: list[str] = self.convert_ids_to_tokens(self.encode(text, pair, add_special_tokens=add_special_tokens, **how))
        return tokens

    def get_special_tokens_mask(self, token_ids_0: Sequence[int], token_ids_1: None = None, already_has_special_tokens: bool = True) -> list[int]:
        """Say of each id whether it is a special token that is for something."""
        special = set(self.all_special_ids)
        return [int(id in special) for id in token_ids_0]

    # chats

    def get_chat_template(self, chat_template: str | None = None, tools: Any = None) -> str:
        """Give the source of the chat template."""
        source = chat_template or self.chat_template
        if source is None:
            raise ArgumentError("chat_template", "None", "the source of a template, where one is applied")
        return source

    def apply_chat_template(
        self,
        conversation: Any,
        tools: Any = None,
        documents: Any = None,
        chat_template: str | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        tokenize: bool = True,
        return_dict: bool = True,
        return_assistant_tokens_mask: bool = False,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        **how: Any,
    ) -> Any:
        """Turn a conversation, or a list of them, into text or ids, by `toklet.ChatTemplate`: what messages say never becomes a special token.

        `padding`, `truncation`, `max_length` and `return_tensors` are as for a call; what else is said goes to the template as variables.
        `return_assistant_tokens_mask` needs no marks in the template.
        """
        room = self._cut(how.pop("truncation", False), how.pop("max_length", None), add=False, pair=False)[0]
        padded = {name: how.pop(name) for name in ("padding", "padding_side", "pad_to_multiple_of", "return_tensors") if name in how}
        single = not conversation or isinstance(conversation[0], Mapping)
        tokens: dict[str, Any] = self._named
        template = ChatTemplate(self.get_chat_template(chat_template), **tokens)
        how |= {"tools": tools, "documents": documents, "add_generation_prompt": add_generation_prompt, "continue_final_message": continue_final_message}
        chats = [conversation] if single else conversation
        if not tokenize:
            texts = [template.format(chat, **how) for chat in chats]
            return texts[0] if single else texts
        columns: dict[str, Rows] = {name: [] for name in ("input_ids", "assistant_masks")[: 1 + return_assistant_tokens_mask]}
        for chat in chats:
            prompt = template.render(self.tokenizer, chat, **how)
            part = slice(None) if room is None else kept(len(prompt), room, self.truncation_side)
            columns["input_ids"].append(prompt.ids[part].tolist())
            if return_assistant_tokens_mask:
                columns["assistant_masks"].append(prompt.mask("assistant")[part].astype(int).tolist())
        encoded = self.pad(columns, **{"padding": False, **padded})
        if single and "return_tensors" not in padded:
            encoded.data = {name: column[0] for name, column in encoded.data.items()}
        return encoded if return_dict else encoded["input_ids"]


def spelled(token: bytes) -> str:
    """Write a token as transformers does: a character for each byte.

    >>> spelled(b" the")
    'Ġthe'
    """
    return "".join(CHARACTERS[byte] for byte in token)


def unspelled(token: str) -> bytes:
    """Read such a token; `KeyError` if it has other characters.

    >>> unspelled("Ġthe")
    b' the'
    """
    return bytes(BYTES[character] for character in token)


def plain(ids: Any) -> Any:
    """Give ids of any kind, arrays and tensors too, as ints and lists."""
    return ids.tolist() if hasattr(ids, "tolist") else int(ids) if isinstance(ids, Integral) else [plain(id) for id in ids]


def settings(path: str) -> dict[str, Any]:
    """Read a tokenizer_config.json, if there is one."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        try:
            config = json.load(file)
        except (ValueError, RecursionError) as error:
            raise FormatError(path, f"no JSON ({error})", "an object") from None
    if not isinstance(config, dict):
        raise FormatError(path, repr(config)[:80], "an object")
    return config
