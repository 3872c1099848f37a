"""toklet: everything around a language model except the model.

Train a BPE tokenizer, turn text into ids and back, sample the next id from logits, build prompts.

>>> import toklet
>>> tok = toklet.train(["low lower lowest slow"] * 9, vocab_size=270, pattern="gpt2")
>>> [tok.token(id) for id in tok.encode("lower, slower")]
[b'low', b'e', b'r', b',', b' slow', b'e', b'r']
"""

from . import reference
from ._core import backend
from .batch import Batch
from .best_of import BestOf, best_of
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
from .sampling import Sampler, accept_draft
from .template import Template
from .tokenizer import Tokenizer, load
from .training import train, train_files
from .word_counts import WordCounts

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
    if name == "distributed":  # an engine's users want it; importing it here would slow down everybody else
        from importlib import import_module

        return import_module(".distributed", __name__)
    if name == "__version__":  # looked up when asked for: the metadata machinery takes longer to import than all of toklet
        from importlib.metadata import version

        return version("toklet")
    raise AttributeError(f"module 'toklet' has no attribute {name!r}")
