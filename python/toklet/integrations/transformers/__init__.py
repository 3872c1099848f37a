"""toklet where transformers is used: sampling for `generate` (`sampling`), and a tokenizer for data pipelines (`tokenizer`), neither of which imports it."""

from .encoded import BatchEncoding
from .sampling import DrawProcessor, SamplerProcessor
from .tokenizer import PreTrainedTokenizerFast

__all__ = ["BatchEncoding", "DrawProcessor", "PreTrainedTokenizerFast", "SamplerProcessor"]
