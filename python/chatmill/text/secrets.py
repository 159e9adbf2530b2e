"""`without_secrets`: removes passwords and keys from the URLs in a text."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import unquote

from chatmill._chatmill import ChatmillError

_HIDDEN = "***"
# The user before the host. A password may contain any character; the last `@` ends it. A number after the colon is a
# port, and a later `@` then belongs to the path, as in `hf://datasets/user/set@main`.
_USER = re.compile(r"(?<=://)(?:[^\s@/?#:]*:(?!\d+(?:/|$))[^\s@]*(?:@[^\s@/]+)*|[^\s@/?#:]+)@(?=[^\s@/]*)")
_PARAMETER = re.compile(r"(?<=[?&;#])([^\s=&;#?]+)=([^\s&;#'\"]+)")
_SECRET = re.compile(
    r"tok(en)?$|token|key|sig$|signature|passw|pwd|secret|credential|auth|session|jwt|bearer|^x-(amz|goog)-|^pass$",
    re.IGNORECASE,
)

P = ParamSpec("P")
T = TypeVar("T")


def without_secrets(text: str) -> str:
    """Remove user names, passwords, keys and signatures from the URLs in a text.

    Args:
        text: Any text, such as a URL or an error message.

    Example:
        >>> without_secrets("https://me:pw@host/a.jsonl?part=1&X-Amz-Signature=123")
        'https://***@host/a.jsonl?part=1&X-Amz-Signature=***'
    """
    return _PARAMETER.sub(_parameter, _USER.sub(f"{_HIDDEN}@", text))


def errors_without_secrets(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function: its errors show no passwords, keys and signatures of URLs.

    Args:
        function: A function that raises errors of chatmill.
    """

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except ChatmillError as error:
            text = str(error)
            shown = without_secrets(text)
            if shown == text:
                raise
            # The cause would show the same URL in a traceback.
            raise type(error)(shown) from None

    return guarded


def _parameter(found: re.Match[str]) -> str:
    name = found[1]
    return f"{name}={_HIDDEN}" if _SECRET.search(unquote(name)) else found[0]
