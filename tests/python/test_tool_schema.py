"""Schemas of Python functions equal those of transformers, including the order of their keys; so do the failures."""

# ruff: noqa: PYI030, PYI061, RUF041, UP006, UP007, UP035, UP045
# Hints are written in all ways on purpose. They are objects, not strings, so `annotations` is not imported.

import collections.abc
import dataclasses
import enum
import functools
import json
import operator
import re
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, Union

import pytest
from chatmill import DataError
from chatmill.tools.schema import schema_of, schemas_of
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import get_json_schema, render_jinja_template

reference: Any = get_json_schema
render: Any = render_jinja_template


def shown(value: object) -> str:
    """Return the name of a value without addresses, so that each process of a test run gives a test the same name."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(getattr(value, "__qualname__", repr(value))))


ARGS = "Do it.\n\nArgs:\n    x: The x.\n    y: The y.\n"


class Color(enum.Enum):
    red = "r"
    green = 2
    none = None


class Level(enum.IntEnum):
    low = 1
    high = 2


class Empty(enum.Enum):
    pass


class Odd(enum.Enum):
    pair = (1, 2)


class Own:
    pass


class Typed(typing.TypedDict):
    a: int


@dataclasses.dataclass
class Data:
    a: int


def make(hint: Any, doc: str | None = ARGS, **hints: Any) -> Any:
    """A function of `x`, with this hint, and `y`."""

    def tool(x, y=None):  # type: ignore[no-untyped-def]
        pass

    tool.__annotations__ = {"x": hint, "y": int, **hints}
    tool.__doc__ = doc
    return tool


def outcome(make_schema: Any, function: Any, error: type[Exception]) -> str | None:
    """The schema as text, or None if there is an error."""
    try:
        return json.dumps(make_schema(function))
    except error:
        return None


def same(function: Any) -> str | None:
    expected = outcome(reference, function, Exception)
    assert outcome(schema_of, function, DataError) == expected
    return expected


GOOD_HINTS = [
    *(int, float, str, bool, None, type(None), Any, list, tuple, dict, List, Tuple, Dict),
    *(List[int], list[str], list[Any], list[list[bool]], Dict[str, int], dict[int, Any], dict[str, list[float]]),
    *(Optional[int], Optional[list[str]], Union[int, str], Union[str, int, None], int | str, list[int] | None),
    *(list | tuple, Union[list, Tuple], int | list[int], Union[int, Literal["a"]], Optional[dict[str, int | None]]),
    *(Optional[Any], Any | int, bool | int | float | str | None, dict | list[dict[str, str]]),
    *(Literal["a", "b"], Literal[1, "a", 1.5 if False else True, None], Literal[1, 2] | None, list[Literal["a"]]),
    *(Optional[Literal["a", None]], Literal["a"] | Literal["b"], Literal[True], Literal[Literal[1], 2]),
    *(tuple[int, str], Tuple[int, Optional[str]], tuple[()], tuple[list[int], dict[str, Any]]),
    *(Color, Level, Optional[Color], list[Level], Color | int, Annotated[int, "words"], list[Annotated[str, 1]]),
    *("int", "Optional[Color]", "list['int']", typing.ForwardRef("int")),
]
BAD_HINTS = [
    *(Own, Optional[Own], list[Own], dict[str, Own], Union[int, Own], Empty, Odd, Typed, Data, object, bytes),
    *(set, set[int], frozenset[int], collections.abc.Sequence[int], typing.Iterable[int], Callable[[int], str]),
    *(tuple[int], Tuple[int, ...], tuple[str, ...], list[tuple[int, ...]], type[int], typing.Type[int]),
    *(Literal[b"a"], Literal[Level.low], typing.TypeVar("T"), typing.NewType("N", int), "Missing", "no hint", ...),
    *({"a": 1}, 5, typing.Final, typing.Union, typing.Literal),
]


@pytest.mark.parametrize("hint", GOOD_HINTS, ids=repr)
def test_hints(hint: Any) -> None:
    assert same(make(hint))
    assert same(make(hint, f"{ARGS}\nReturns:\n    The answer.\n", **{"return": hint}))


@pytest.mark.parametrize("hint", BAD_HINTS, ids=repr)
def test_hints_without_a_schema(hint: Any) -> None:
    tool = make(hint)
    assert same(tool) is None
    with pytest.raises(DataError, match=r"the tool tool: .*(argument 'x' has no JSON schema|hints cannot be read).*"):
        schema_of(tool)


def test_a_return_hint_without_a_schema_is_left_out() -> None:
    hints: list[Any] = [Own, tuple[int, ...], set[int], list[Own]]
    for hint in hints:
        schema = same(make(int, **{"return": hint}))
        assert schema
        assert '"return"' not in schema


DOCSTRINGS = [
    *(None, "", "   \n ", "Only words.", "Args:\n    x: At the start.\n", "Words. Args:\n    x: In a line.\n"),
    *("Do.\n\nArgs: \n    x: A blank behind.\n", "Do.\nArgs:\n\n    x: A blank line.\n\n\n    y: And more.\n"),
    *("Do.\n\nArgs:\n    x (int): With a type.\n    y: Y.\n", "Do.\n\nArgs:\n    x:No blank.\n    y :No.\n"),
    "Do.\n\nArgs:\n    x: Many\n        lines: with a colon\n      here.\n    y: Y.\n",
    "Do.\n\nArgs:\n    x: Not deeper\n    but: a name\n    y: Y.\n",
    "Do.\n\nArgs:\n    x:\n        On the next line.\n    y:\n    z: Z.\n",
    "Do.\n\nArgs:\n    x:\n    y:\n    z:\n",
    "Do.\n\nArgs:\n    x: X.\n\ty: Tabs.\n",
    "Do.\n\nArgs:\n  preface\n    x: X.\n  y: Less deep.\n",
    "Do.\n\nArgs:\n    x: First.\n    y: Y.\n    x: Second.\n",
    "Do.\n\nArgs:\n    x: X.\n    y: Y.\n    more: Not there.\n",
    "Do.\n\nArgs:\n    x: X.\n    y: Y.\n\nReturns:\n    Int:\n        more.\n\nRaises:\n    E: e.\n",
    "Do.\n\nReturns:\n    First.\n\nArgs:\n    x: X.\n    y: Y.\n",
    "Do.\n\nArgs:\n    x: It says Returns: here.\n    y: Y.\n",
    "Do.\n\nArgs:\n    x: X.\n    y: Y.\n\nReturns: In its line.\n",
    "Do.\n\nArgs:\n    x: X.\n    y: Y.\n\nReturns:\n\nRaises:\n    E: e.\n",
    "Do it\nin two lines.\n\n    Indented.\n\n\n  Args:  \nArgs:\n  x: X.\n  y: Y.\n",
    "Do.\n\nArgs:\n    x: X.\n    y: Y.\n\nExample:\n    >>> tool(1)\n    z: 1\n",
    "Wide.\u3000\n\nArgs:\n\u3000x: X.\n    x: 值。\n    y: Y.\u00a0\n",
    'Do.\n\nArgs:\n    x: X (choices: ["a ", " b"])\n    y: Y (choices: [1, null])\n',
    'Do.\n\nArgs:\n    x: X (Choices:["a"])   \n    y: Y (choices: [1]) and more\n',
    'Do.\n\nArgs:\n    x: X (choices:\n        ["a",\n        "b"])\n    y: (choices: {"k": 1})\n',
    'Do.\n\nArgs:\n    x: X (choices: "abc")\n    y: Y (choices: [[1], {}])\n',
    "Do.\n\nArgs:\n    x: X (choices: [a, b])\n    y: Y\n",
    "Do.\n\nArgs:\n    x: X (choices: 5)\n    y: Y\n",
    "Do.\n\nArgs:\n    x: X (choices: )\n    y: Y\n",
    "Do.\n\nArgs:\n    x: A (choices: 1) b (choices: [1])\n    y: Y\n",
]


@pytest.mark.parametrize("doc", DOCSTRINGS, ids=repr)
@pytest.mark.parametrize("hint", [str, Literal["a", 1]], ids=repr)
def test_docstrings(doc: str | None, hint: Any) -> None:
    same(make(hint, doc, **{"return": str}))


words = st.sampled_from(
    [
        *(
            "Args:",
            "Returns:",
            "Raises:",
            "Example:",
            "\nArgs:\n    x: X\n    y: Y",
            "Returns:\n",
            "x:",
            "y: ",
            "y (int): ",
        ),
        *("z", ":", " ", "    ", "\t", "\n", "\n\n", "\n    ", "\n        ", "\n\t", "\r", "\u00a0", "值"),
        *("(choices: ", "(CHOICES:", '["a", 1]', ")"),
    ]
)


@given(st.lists(words, max_size=25).map("".join))
def test_any_docstring(text: str) -> None:
    same(make(int, f"{ARGS}{text}", **{"return": int}))
    same(make(int, f"Do.\nArgs:\n    x: {text}\n    y: Y.", **{"return": int}))


of: Any = operator.getitem  # type checkers do not accept a variable as a type
hints: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([int, float, str, bool, None, Any, list, tuple, dict, Color, Own, Literal["a", 1], Literal[None]]),
    lambda inner: st.one_of(
        inner.map(lambda it: of(list, it)),
        inner.map(lambda it: of(dict, (str, it))),
        inner.map(lambda it: of(Optional, it)),
        st.lists(inner, min_size=1, max_size=3).map(lambda them: of(tuple, tuple(them))),
        st.lists(inner, min_size=1, max_size=3).map(lambda them: of(Union, tuple(them))),
    ),
    max_leaves=8,
)


@given(hints)
def test_any_hint(hint: Any) -> None:
    same(make(hint))


def test_defaults_are_not_required() -> None:
    tool = make(int)
    for defaults, required in [(None, '["x", "y"]'), ((1,), '["x"]'), ((1, None), None)]:
        tool.__defaults__ = defaults
        schema = same(tool)
        assert schema
        assert (f'"required": {required}' in schema) if required else ("required" not in schema)


def spread(x: int, *rest: str, flag: bool, **more: float) -> None:
    """Spread.

    Args:
        x: X.
        rest: The rest.
        flag: A flag.
        more: And more.
    """


def positional(x: int, /, y: "Color | None" = None) -> "list[Level]":
    """Positional.

    Args:
        x: X.
        y: Y.

    Returns:
        Levels.
    """
    raise NotImplementedError


async def later(x: int) -> Own:
    """Later.

    Args:
        x: X.
    """
    raise NotImplementedError


def nothing() -> None:
    """Take nothing."""


def unhinted(x, y: int):  # type: ignore[no-untyped-def]
    """No hint.

    Args:
        x: X.
        y: Y.
    """


def own_self(self: int, cls: str) -> None:
    """Hints make them arguments.

    Args:
        self: The self.
        cls: The class.
    """


def self_is_second(x: int, self) -> None:  # type: ignore[no-untyped-def]
    """No receiver.

    Args:
        x: X.
        self: Self.
    """


@functools.wraps(positional)
def wrapped(*args: Any, **kwargs: Any) -> Any:
    return positional(*args, **kwargs)


class Shop:
    """A shop.

    Args:
        x: X.
    """

    def __call__(self, x: int) -> None:
        """Call it.

        Args:
            x: X.
        """

    def order(self, item: str, count: int = 1) -> bool:
        """Order something.

        Args:
            item: What (choices: ["tea", "coffee"])
            count: How much.

        Returns:
            Whether it is there.
        """
        raise NotImplementedError

    @classmethod
    def open(cls, at: float | None) -> None:
        """Open.

        Args:
            at: When.
        """

    @staticmethod
    def close(this: int) -> None:
        """Close.

        Args:
            this: Which.
        """


class Branch(Shop):
    def order(self, item: str, count: int = 2) -> bool:
        return super().order(item, count)


FUNCTIONS = [
    *(spread, positional, later, nothing, unhinted, own_self, self_is_second, wrapped, lambda x: x),
    *(Shop().order, Shop.order, Shop.open, Shop().open, Shop.close, Branch().order, Branch().close),
    *(Shop, Shop(), len, print, functools.partial(positional, 1), functools.partial, int, Data),
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=shown)
def test_functions(function: Any) -> None:
    same(function)


def test_what_an_error_tells() -> None:
    for function, text in [
        (unhinted, r"the tool unhinted: its argument 'x' has no type hint; add one, such as `x: str`, or pass the"),
        (make(int, None), r"the tool tool: it has no docstring; write one"),
        (
            make(int, "Do.\n"),
            r"its docstring does not describe the argument 'x'; add a line `x: …` under a line `Args:`",
        ),
        (make(dict[str, Own]), r"argument 'x' has no JSON schema \(<class '.*Own'> is an unsupported class\); use"),
        (make(list[tuple[int, ...]]), r"argument 'x' .*\(tuple\[int, \.\.\.\] is a tuple of any length; use a list\)"),
        (make(tuple[int]), r"tuple\[int\] is a tuple of one value; use the type of the value, or a list"),
        (make(Empty), r"Empty.* has no members"),
        (make(Odd), r"Odd.* has the value \(1, 2\), which is not an int, float"),
        (make("Missing"), r"cannot be read \(NameError: .*Missing"),
        (
            make(int, "Do.\n\nArgs:\n    x: X (choices: [a])\n"),
            r"the choices of its argument 'x' are not a JSON",
        ),
    ]:
        with pytest.raises(DataError, match=text):
            schema_of(function)


def test_media_are_known_by_name() -> None:
    # PIL and torch are not installed. With them, transformers supports these two classes.
    for module, name, kind in [("PIL.Image", "Image", "image"), ("torch", "Tensor", "audio")]:
        media = type(name, (), {"__module__": module})
        properties = schema_of(make(of(list, media)))["function"]["parameters"]["properties"]
        assert properties["x"] == {"type": "array", "items": {"type": kind}, "description": "The x."}


def test_lists_of_tools() -> None:
    schema = {"type": "function", "function": {"name": "f"}}
    tools = [schema, spread, Shop().order, "{}", types.MappingProxyType(schema)]
    found = schemas_of(tools)
    assert found == [schema, reference(spread), reference(Shop().order), "{}", schema]
    assert found[0] is schema
    template = "{{ tools | tojson }}"
    conversations = [[{"role": "user", "content": "Hi"}]]
    (expected,), _ = render(conversations=conversations, tools=tools[:3], chat_template=template)
    (text,), _ = render(conversations=conversations, tools=found[:3], chat_template=template)
    assert text == expected
    assert schemas_of(()) == []


@pytest.mark.parametrize("tool", [Shop(), Shop, len, functools.partial(spread, 1), 3, None, [], b"{}"], ids=shown)
def test_what_is_no_tool(tool: Any) -> None:
    with pytest.raises(ValueError, match="Tools should either be a JSON schema, or a callable"):
        render(conversations=[[]], tools=[spread, tool], chat_template="")
    with pytest.raises(DataError, match=r"tool 1 is .*, of type .*; give a JSON schema, or a Python function"):
        schemas_of([spread, tool])
