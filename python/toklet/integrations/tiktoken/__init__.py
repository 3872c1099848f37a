"""tiktoken's interface over toklet: `import toklet.integrations.tiktoken as tiktoken`, and the rest of the program stays as it is.

It needs nothing of tiktoken's, takes the vocabularies from files that lie on the machine (see `get_encoding`), and never downloads any.
"""

from .encoding import Encoding
from .load import load_tiktoken_bpe
from .registry import encoding_for_model, encoding_name_for_model, get_encoding, list_encoding_names

__all__ = ["Encoding", "encoding_for_model", "encoding_name_for_model", "get_encoding", "list_encoding_names", "load_tiktoken_bpe"]
