"""Differences between the renders of chatmill and transformers: both sides of each row in COMPATIBILITY.md.

If a difference disappears, its test fails; then remove it from that page too.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
import reference
from chatmill import ChatmillError, ChatTemplate, DataError
from refusals import check_refusal

ANY = "any text"
VARIABLES: dict[str, Any] = {"t": True, "f": False, "n": 5, "x": "abc", "y": [1, 2, 3]}
VARIABLES |= {"pair": (1, 2), "keys": {1: "a", None: "b"}, "half": "\ud83d"}
MESSAGES = [{"role": "user", "content": "Hi"}]


def nested(tag: str, times: int) -> str:
    return f"{{% {tag} %}}" * times + "a" + f"{{% end{tag.split(maxsplit=1)[0]} %}}" * times


# For each row of the page: a template, the text of transformers and the text of chatmill; None for an error.
DIFFERENCES: dict[str, list[tuple[str, str | None, str | None]]] = {
    "tuples": [
        ("{{ 1, 2 }}", "(1, 2)", None),
        ("{% for i in 1, 2 %}{{ i }}{% endfor %}", "12", None),
        ("{% if f, f %}a{% endif %}", "a", None),
        ("{{ {(0, 1): 'a'}[0, 1] }}", "a", None),
    ],
    "print": [("{% print x %}", "abc", None)],
    "calls": [
        ("{{ x|attr('upper')() }}", "ABC", None),
        ("{{ n is odd + 1 }}", "2", None),
        ("{{ x[] }}", "", None),
    ],
    "numbers": [
        ("{{ 12345678901234567890123456789012345678901234567890 % 7 }}", "1", None),
        ("{{ 0or 2 }}", "2", None),
    ],
    "names": [
        ("{% set loop = 1 %}{{ loop }}", "1", None),
        ("{% set self = 1 %}{{ self }}", "1", None),
        ("{% set in = 1 %}{{ in }}", "1", None),
        ("{{ dict(in=1, true=2) }}", "{'in': 1, 'true': 2}", None),
    ],
    "blocks": [
        ("{% for i in y %}{% block a scoped %}{{ i }}{% endblock %}{% endfor %}", "123", None),
        ("{% block a required %}{% endblock %}", None, ""),
    ],
    "random": [("{{ lipsum() }}", ANY, None), ("{{ y|random }}", ANY, None)],
    "html": [("{{ 'a b'|urlize }}", "a b", None)],
    "bytes": [("{{ x.encode() }}", "b'abc'", None), ("{{ n.to_bytes(2, 'big') }}", "b'\\x00\\x05'", None)],
    "floats": [
        ("{{ (-8) ** 0.5 }}", "(1.7319121124709868e-16+2.8284271247461903j)", None),
        ("{{ (1.5).hex() }}", "0x1.8000000000000p+0", None),
    ],
    "addresses": [("{{ y|map('string') }}", ANY, "<generator object sync_do_map at 0x7f0000000000>")],
    "escapes": [("{{ '\\é' }}", "\\xe9", "\\é"), ("{{ '\\ud83d\\ude00' }}", "\ud83d\ude00", "😀")],
    "surrogates": [("{{ '\\ud83d' }}", "\ud83d", None), ("{{ half }}", "\ud83d", None)],
    "autoescape": [
        ("{% autoescape t %}{% set z %}{{ '<' }}{% endset %}{{ z }}{% endautoescape %}", "<", "&lt;"),
    ],
    "clock": [
        ("{{ strftime_now('%10d') }}", "0000000004", "%10d"),
        ("{{ strftime_now('%Ey %-f') }}", "26 %-f", "%Ey 0"),
    ],
    "lenient": [
        ("{{ 1. }}", None, "1.0"),
        ("{{ 007 }}", None, "7"),
        ("{{ 1 +}}", None, "1"),
        ("{{ n is number is number }}", None, "True"),
        ("{{ n is divisibleby -5 }}", None, "True"),
        ("{{ dict(a=1, a=2) }}", None, "{'a': 2}"),
        ("{% for i, in [[1]] %}{{ i }}{% endfor %}", None, "1"),
        ("{% macro m(a, a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", None, "2"),
        ("{% macro m(a,) %}{{ a }}{% endmacro %}{{ m(1) }}", None, "1"),
        ("{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m(1) }}", None, "1"),
        ("{% raw +%}a{% endraw %}", None, "a"),
    ],
    "depth": [
        ("{{ " + " + ".join(["1"] * 500) + " }}", None, "500"),
        (nested("if t", 110), None, "a"),
        (nested("for i in [1]", 25), None, "a"),
    ],
    "limits": [
        ("{{ (x * 100000000)|length }}", "300000000", None),
        ("{{ 2 ** (n * 220000) % 7 }}", "4", None),
        ("{{ " + " ~ ".join(["n"] * 600) + " }}", "5" * 600, None),
        ("{% if f %}" + "{% elif f %}" * 600 + "{% else %}a{% endif %}", "a", None),
    ],
    "data": [
        ("{{ pair }}", "(1, 2)", "[1, 2]"),
        ("{{ keys }}", "{1: 'a', None: 'b'}", "{'1': 'a', 'None': 'b'}"),
        ("{{ keys[1] }}", "a", ""),
    ],
}


def transformers(template: str, variables: dict[str, Any]) -> str | None:
    try:
        return reference.render(template, MESSAGES, **variables)
    except Exception:  # noqa: BLE001  (jinja2, SyntaxError, RecursionError: a template may fail in any way)
        return None


def chatmill(template: str, variables: dict[str, Any], *, by_limit: bool = False) -> str | None:
    """The text, or None for a refusal; `by_limit` tells whether a limit of chatmill is the reason."""
    try:
        return ChatTemplate(template).render(MESSAGES, now=reference.NOW, **variables)
    except DataError as error:
        assert "lone surrogate" in str(error)  # noqa: PT017  (the other result is a text)
    except ChatmillError as error:
        check_refusal(error, by_limit=by_limit)
    return None


@pytest.mark.parametrize(
    ("row", "template", "theirs", "ours"),
    [
        pytest.param(row, *difference, id=f"{row}-{number}")
        for row, differences in DIFFERENCES.items()
        for number, difference in enumerate(differences)
    ],
)
def test_difference(
    row: str, template: str, theirs: str | None, ours: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference.freeze_clock(monkeypatch)
    known = {name: value for name, value in VARIABLES.items() if name != "half" or row == "surrogates"}
    rendered = transformers(template, known)
    assert ours == chatmill(template, known, by_limit=row == "limits")
    assert rendered is not None if theirs == ANY else rendered == theirs
    assert rendered != ours


def test_python_may_be_let_go_deeper() -> None:
    """Both reject values that are nested too deeply. The limit of Python is a setting; chatmill's limit is fixed."""
    limit = sys.getrecursionlimit()
    macro = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{{ n }}{% endmacro %}{{ m(250)|length }}"
    parentheses = "{{ " + "(" * 170 + "1" + ")" * 170 + " }}"
    sys.setrecursionlimit(20_000)
    try:
        assert [transformers(it, {}) for it in (macro, parentheses)] == ["643", "1"]
    finally:
        sys.setrecursionlimit(limit)
    assert chatmill(macro, {}) is None
    assert chatmill(parentheses, {}, by_limit=True) is None
