"""toklet: everything around a language model except the model.

Train a BPE tokenizer, turn text into ids and back, sample the next id from logits, build prompts.

>>> import toklet
>>> tok = toklet.train(["low lower lowest slow"] * 9, vocab_size=270, pattern="gpt2")
>>> [tok.token(id) for id in tok.encode("lower, slower")]
[b'low', b'e', b'r', b',', b' slow', b'e', b'r']
"""

from typing import TYPE_CHECKING

from . import reference
from ._core import backend
from .later import module as imported
from .reference.error import (
    ArgumentError,
    BudgetError,
    CorpusError,
    Error,
    FormatError,
    InternalError,
    LogitsError,
    PromptError,
    TextError,
    TokenError,
    VocabularyError,
    WrongTypeError,
)
from .reference.prompt import Part
from .reference.split import PATTERNS as patterns

if TYPE_CHECKING:
    from .batch import Batch
    from .best import BestOf, best_of
    from .block import Block
    from .chat import ChatTemplate
    from .counting import count, count_files
    from .fewshot import FewShot
    from .generation import Generation, generate, generate_batch
    from .history import trim_history
    from .ngram import NGram
    from .packing import pack
    from .probabilities import bits_per_byte, cross_entropy, log_softmax, perplexity, softmax, top_k
    from .prompt import Prompt
    from .sampling import Sampler, accept_draft
    from .template import Template
    from .tokenizer import Tokenizer, load
    from .training import train, train_files
    from .word_counts import WordCounts

# Where the other names stand. A module is imported when a name of it is first asked for: who only encodes needn't wait for samplers, chat templates and numpy.
HOMES = {
    "batch": ("Batch",),
    "best": ("BestOf", "best_of"),
    "block": ("Block",),
    "chat": ("ChatTemplate",),
    "counting": ("count", "count_files"),
    "fewshot": ("FewShot",),
    "generation": ("Generation", "generate", "generate_batch"),
    "history": ("trim_history",),
    "ngram": ("NGram",),
    "packing": ("pack",),
    "probabilities": ("bits_per_byte", "cross_entropy", "log_softmax", "perplexity", "softmax", "top_k"),
    "prompt": ("Prompt",),
    "sampling": ("Sampler", "accept_draft"),
    "template": ("Template",),
    "tokenizer": ("Tokenizer", "load"),
    "training": ("train", "train_files"),
    "word_counts": ("WordCounts",),
}

__all__ = [
    "ArgumentError",
    "Batch",
    "BestOf",
    "Block",
    "BudgetError",
    "ChatTemplate",
    "CorpusError",
    "Error",
    "FewShot",
    "FormatError",
    "Generation",
    "InternalError",
    "LogitsError",
    "NGram",
    "Part",
    "Prompt",
    "PromptError",
    "Sampler",
    "Template",
    "TextError",
    "TokenError",
    "Tokenizer",
    "VocabularyError",
    "WordCounts",
    "WrongTypeError",
    "__version__",
    "accept_draft",
    "backend",
    "best_of",
    "bits_per_byte",
    "count",
    "count_files",
    "cross_entropy",
    "generate",
    "generate_batch",
    "load",
    "log_softmax",
    "pack",
    "patterns",
    "perplexity",
    "reference",
    "softmax",
    "top_k",
    "train",
    "train_files",
    "trim_history",
]


def __getattr__(name: str) -> object:
    if name == "__version__":  # looked up when asked for: the metadata machinery takes longer to import than all of toklet
        from importlib.metadata import version

        return version("toklet")
    if name in HOMES or name == "distributed":
        return imported(f"{__name__}.{name}")
    for module, names in HOMES.items():
        if name in names:
            globals()[name] = value = getattr(imported(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module 'toklet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
