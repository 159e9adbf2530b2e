"""`without_secrets`: removes passwords and keys from the URLs in a text."""

import re
from urllib.parse import unquote

_HIDDEN = "***"
# The user before the host. A password may contain any character; the last `@` ends it. A number after the colon is a
# port, and a later `@` then belongs to the path, as in `hf://datasets/user/set@main`.
_USER = re.compile(r"(?<=://)(?:[^\s@/?#:]*:(?!\d+(?:/|$))[^\s@]*(?:@[^\s@/]+)*|[^\s@/?#:]+)@(?=[^\s@/]*)")
_PARAMETER = re.compile(r"(?<=[?&;#])([^\s=&;#?]+)=([^\s&;#'\"]+)")
_SECRET = re.compile(
    r"tok(en)?$|token|key|sig$|signature|passw|pwd|secret|credential|auth|session|jwt|bearer|^x-(amz|goog)-|^pass$",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Remove user names, passwords, keys and signatures from the URLs in a text.

    Args:
        text: Any text, such as a URL or an error message.

    Example:
        >>> without_secrets("https://me:pw@host/a.jsonl?part=1&X-Amz-Signature=123")
        'https://***@host/a.jsonl?part=1&X-Amz-Signature=***'
    """
    return _PARAMETER.sub(_parameter, _USER.sub(f"{_HIDDEN}@", text))


def _parameter(found: re.Match[str]) -> str:
    name = found[1]
    return f"{name}={_HIDDEN}" if _SECRET.search(unquote(name)) else found[0]
