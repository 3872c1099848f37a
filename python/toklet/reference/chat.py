"""Chat templates are rendered by the core alone: an engine for Jinja is no part of the standard library."""

from .error import PromptError


class ChatContext:
    """What a template would be rendered with."""


class ChatTemplate:
    """Says that there is none here."""

    def __init__(self, source: str, variables: list[tuple[str, str]]) -> None:
        raise PromptError("the backend of a chat template", "the pure-Python reference", "the native one: toklet from a wheel, or built with Rust")
