"""Few-shot prompts: in-context learning is formatting. The template filled with each example, then with the query, up to what the model is to fill."""

from collections.abc import Mapping, Sequence
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

import numpy as np

from .block import COUNT, Block
from .checks import check_text
from .packing import DROPPED, pack
from .prompt import Prompt
from .receipt import Entry, Receipt
from .reference.error import ArgumentError, BudgetError, PromptError, WrongTypeError, check_choice, is_many, number
from .reference.prompt import Part
from .selection import ORDERS, arranged, choice
from .template import Template
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from .chat import ChatTemplate

TAIL = 100  # so many characters of its end say how a prompt goes on


class FewShot:
    """A few-shot prompt: the template filled with each example, then with the query.

    Parameters
    ----------
    template : Template
    examples : sequence of mappings
        The values of the slots of each example.
    separator : str
        What stands between two of them; trusted, like the template.
    query : mapping, optional
        The values of the question that the model is to answer.
    stop_before : str, optional
        The slot of the query at which the prompt ends: what the model fills.

    Examples
    --------
    >>> few = FewShot(Template("{{ en }} = {{ fr }}"), [{"en": "cat", "fr": "chat"}], separator="\\n", query={"en": "dog"}, stop_before="fr")
    >>> few.text
    'cat = chat\\ndog = '
    >>> few.messages()
    [{'role': 'user', 'content': 'cat = '}, {'role': 'assistant', 'content': 'chat'}, {'role': 'user', 'content': 'dog = '}]
    """

    __slots__ = ("query", "separator", "shots", "stop_before", "template")

    def __init__(
        self,
        template: Template,
        examples: Sequence[Mapping[str, Any]],
        *,
        separator: str = "\n\n",
        query: Mapping[str, Any] | None = None,
        stop_before: str | None = None,
    ) -> None:
        if not isinstance(template, Template):
            raise WrongTypeError("template", f"of type {type(template).__name__}", "a toklet.Template")
        check_text("separator", separator)
        if not is_many(examples) or isinstance(examples, Mapping):
            raise WrongTypeError("examples", f"of type {type(examples).__name__}", "a list of mappings")
        if stop_before is not None:
            check_text("stop_before", stop_before)
            if query is None:
                raise PromptError("stop_before", repr(stop_before), "given together with a query: it says where the query's prompt ends")
        elif isinstance(query, Mapping) and (missing := [slot for slot in template.slots if slot not in query]):
            raise PromptError(
                "the query", f"without {missing[0]!r}", f"all slots filled, or stop_before={missing[0]!r}, where the prompt ends for the model to go on"
            )
        self.template, self.separator, self.stop_before = template, separator, stop_before
        self.shots = [template.parts(example) for example in examples]
        self.query = None if query is None else template.parts(query, stop_before)

    def _parts(self, shots: Sequence[Sequence[Part]]) -> list[Part]:
        """Join examples and the query; the parts of each know its number."""
        parts: list[Part] = []
        for i, shot in enumerate([*shots, *([] if self.query is None else [self.query])]):
            parts += [Part(self.separator, trusted=True)] if i and self.separator else []
            parts += [part._replace(message=i) for part in shot]
        return parts

    @property
    def text(self) -> str:
        """The whole prompt as text."""
        return "".join(part.text for part in self._parts(self.shots))

    def messages(self) -> list[dict[str, str]]:
        """Give the same examples as turns of a chat: what stands before the slot `stop_before` is the user's, the rest the assistant's."""
        if self.query is None or self.stop_before is None:
            raise PromptError(
                "the few-shot prompt", "without a query or stop_before", "given both, which say what the user asks and what the assistant answers"
            )
        turns = []
        for shot in self.shots:
            at = next((i for i, part in enumerate(shot) if part.slot == self.stop_before), len(shot))
            for role, parts in (("user", shot[:at]), ("assistant", shot[at:])):
                turns.append({"role": role, "content": "".join(part.text for part in parts)})
        return [*turns, {"role": "user", "content": "".join(part.text for part in self.query)}]

    def render(
        self,
        tok: Tokenizer,
        *,
        chat: "ChatTemplate | None" = None,
        budget: int | None = None,
        reserve: int = 0,
        value: Sequence[float] | None = None,
        priority: Sequence[int] | None = None,
        order: str = "given",
        vectors: Any = None,
        query_vector: Any = None,
        diversity: float = 0.5,
        untrusted: str = "text",
    ) -> Prompt:
        """Give the prompt, encoded by `tok`; its `warnings` say where tokens lie across the joins of template and answers.

        Parameters
        ----------
        tok : Tokenizer
        chat : ChatTemplate, optional
            Make turns of a chat of the examples (`messages`).
        budget, reserve, order, query_vector, diversity, untrusted
            Those of `pack`: with a budget the examples that are worth most are kept, the query always. Without one the order is as given.
        value : sequence of float, optional
            What each example is worth; all the same without it.
        priority : sequence of int, optional
            Examples of a higher priority are chosen before any of a lower one.
        vectors : float array, shape (n, d), optional
            What each example is about, for `query_vector`.

        Examples
        --------
        >>> import toklet
        >>> tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
        >>> examples = [{"en": "cat", "fr": "chat"}, {"en": "mouse", "fr": "souris"}, {"en": "cow", "fr": "vache"}]
        >>> few = FewShot(Template("{{ en }}={{ fr }}"), examples, separator=" ", query={"en": "dog"}, stop_before="fr")
        >>> few.render(tok, budget=24, value=[1, 2, 3]).text
        'cat=chat cow=vache dog='
        """
        worth, tiers = self._each("value", value, 1.0), self._each("priority", priority, 0)
        about = self._each("vectors", vectors, None)
        blocks = [Block(shot, value=v, priority=p, vector=a) for shot, v, p, a in zip(self.shots, worth, tiers, about, strict=True)]
        how: dict[str, Any] = {"reserve": reserve, "order": order, "query_vector": query_vector, "diversity": diversity, "untrusted": untrusted}
        if budget is None:
            prompt = Prompt(self._parts(self.shots), tok, untrusted=untrusted) if chat is None else chat.render(tok, self.messages(), untrusted=untrusted)
        elif chat is not None:
            prompt = self._chat_within(tok, chat, blocks, budget, how)
        else:
            blocks += [] if self.query is None else [Block(self.query, required=True)]
            prompt = pack(blocks, tok, budget, separator=self.separator, **how)
        if chat is None:  # between turns stand special tokens
            prompt.warnings = self.faults(prompt)
        return prompt

    def _each(self, name: str, given: Any, default: Any) -> list[Any]:
        """Give one value for each example."""
        each = [default] * len(self.shots) if given is None else list(given)
        if len(each) != len(self.shots):
            raise ArgumentError(f"the length of {name}", str(len(each)), f"{len(self.shots)}, one an example")
        return each

    def _chat_within(self, tok: Tokenizer, chat: "ChatTemplate", blocks: list[Block], budget: int, how: dict[str, Any]) -> Prompt:
        """Keep the pairs of turns that are worth most; each costs what it makes the chat longer."""
        budget, reserve = (number(name, value, COUNT, 0, 2**62, whole=True) for name, value in (("budget", budget), ("reserve", how["reserve"])))
        diversity = number("diversity", how["diversity"], "from 0 to 1", 0, 1)
        check_choice("order", how["order"], ORDERS)
        turns, n, limit, value = self.messages(), len(blocks), max(budget - reserve, 0), [block.value for block in blocks]

        def render(kept: list[int]) -> Prompt:
            inside = set(kept)
            shown = [item for item in arranged(n, inside, value, how["order"]) if item in inside]
            return chat.render(tok, [*(turn for item in shown for turn in turns[2 * item : 2 * item + 2]), turns[-1]], untrusted=how["untrusted"])

        base = render([])
        if len(base) > limit:
            raise BudgetError("the number of tokens of the query", str(len(base)), f"at most {limit}, the budget of {budget} less {reserve} for the answer")
        costs = np.array([max(len(render([item])) - len(base), 0) for item in range(n)], np.int64)
        tiers, vectors, room = [block.priority for block in blocks], [[block.vector] for block in blocks], limit - len(base)
        kept = choice(np.array(value), costs, tiers, room, vectors=vectors, query=how["query_vector"], diversity=diversity)
        prompt = render(kept)
        while len(prompt) > limit:
            prompt = render(kept := kept[:-1])
        states = [("kept", int(cost), "worth it") if item in set(kept) else ("dropped", 0, DROPPED) for item, cost in enumerate(costs)]
        entries = [Entry(item, state, tokens, int(costs[item]), why) for item, (state, tokens, why) in enumerate(states)]
        prompt.receipt = Receipt([*entries, Entry(n, "kept", len(base), len(base), "required")], len(prompt), limit)
        return prompt

    def faults(self, prompt: Prompt) -> list[str]:
        """Say where the query can't look as the examples do: where an answer shares a token with what is before or behind it."""
        if self.stop_before is None:
            return []
        starts, ends, at = set(prompt.ends()[:-1].tolist()), set(prompt.ends()[1:].tolist()), 0
        before, behind, answers = [], [], 0
        for i, part in enumerate(prompt.parts):
            end = at + len(part.text.encode())
            if part.slot == self.stop_before:
                answers += 1
                before += [prompt.parts[i - 1].text[-1:]] if at not in starts and i else []
                behind += [prompt.parts[i + 1].text[:1]] if end not in ends and i + 1 < len(prompt.parts) else []
            at = end
        found = []
        slot = f"{{{{ {self.stop_before} }}}}"
        if before:
            apart = f"end what is before {slot} without it, and begin the answers with it" if before[0].isspace() else f"put a line break before {slot}"
            found.append(
                f"{len(before)} of {answers} answers share their first token with the {before[0]!r} before them, which the query ends in alone: {apart}"
            )
        elif goes_on(prompt):
            last, place, fix = prompt.parts[-1], "the prompt", "end it without, and let the answer begin with it"
            if last.slot is not None:
                place, fix = f"the value of {{{{ {last.slot} }}}}", f"write {{{{ {last.slot} | trim }}}}"
            found.append(f"{place} ends in {last.text[-1]!r}, which would share a token with an answer that follows: {fix}")
        if behind:
            found.append(
                f"{len(behind)} of {answers} answers share their last token with the {behind[0]!r} behind them: "
                f"write {slot[:-3]} | trim }}}}, or another separator"
            )
        return found


def goes_on(prompt: Prompt) -> bool:
    """Say whether a prompt ends in white space that would be encoded otherwise if a letter or a digit followed."""
    end = prompt.text[-TAIL:]
    if not end[-1:].isspace():
        return False
    alone, *followed = prompt.tok.encode_batch([end, *(end + c for c in ascii_letters + digits)])
    return any(more[: len(alone)].tolist() != alone.tolist() for more in followed)
