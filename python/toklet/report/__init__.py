"""How good is a tokenizer? Reports on one or several, over texts.

`tok.report(texts)` is the door; `compare` is the same for several tokenizers side by side.
"""

from .figures import QualityReport, ScriptFigures
from .measure import compare

__all__ = ["QualityReport", "ScriptFigures", "compare"]
