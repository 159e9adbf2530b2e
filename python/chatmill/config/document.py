"""`Value`: a value of a YAML file with its key and its line; `read_document` reads a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from chatmill._chatmill import DataError
from chatmill.text.yaml_text import compose_yaml

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
# A single `=` has a tag of its own in YAML 1.1, but users mean text.
_TEXT = (f"{_TAG}str", f"{_TAG}value")
_SHOWN = 40


@dataclass(frozen=True)
class Value:
    """One value of the file.

    Attributes:
        source: The name of the file.
        key: The path of the value, such as `datasets[0].split`; empty for the whole file.
        name: The last part of the path, such as `split`.
        line: The line of its key, or the line of a list item, from 1.
        node: The node that PyYAML composed.
    """

    source: str
    key: str
    name: str
    line: int
    node: yaml.Node

    def error(self, message: str) -> DataError:
        """Make an error at this place.

        Args:
            message: The problem and its remedy.
        """
        key = f"{self.key}: " if self.key else ""
        return DataError(f"{self.source}:{self.line}: {key}{message}")

    def mismatch(self, expected: str) -> DataError:
        """Make the error for a value of another type.

        Args:
            expected: The expected value, in words.
        """
        return self.error(f"expected {expected}, found {self.found()}")

    @property
    def is_null(self) -> bool:
        """Whether the key has no value."""
        return self.tag == "null"

    @property
    def tag(self) -> str:
        """The type by the rules of YAML 1.1, which PyYAML and axolotl use: `str`, `int`, `map`, `!custom`."""
        return "str" if self.node.tag in _TEXT else self.node.tag.removeprefix(_TAG)

    @property
    def is_bare(self) -> bool:
        """Whether the value is text without quotes."""
        return isinstance(self.node, yaml.ScalarNode) and self.tag == "str" and self.node.style is None

    def found(self) -> str:
        """Return the value in words."""
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        text = str(self.node.value)
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        words = {"null": "nothing", "bool": text, "int": f"the integer {text}", "float": f"the number {text}"}
        if self.tag in words:
            return words[self.tag]
        if self.tag == "timestamp":
            return f"the date {text} (for text, put it in quotes)"
        return f"the text {text!r}" if self.tag == "str" else f"a value with the tag {self.node.tag}"

    def fields(self) -> Iterator["Value"]:
        """Yield the values of a mapping, including nulls; those of `<<` last.

        Raises:
            DataError: The value is not a mapping, or a key is not text.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.mismatch("a mapping")
        own: set[str] = set()
        merged: list[yaml.Node] = []
        for key, node in self.node.value:
            if key.tag == _MERGE:
                merged += node.value if isinstance(node, yaml.SequenceNode) else [node]
                continue
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _TEXT:
                raise Value(self.source, self.key, self.name, line, key).mismatch("text as a key")
            own.add(key.value)
            inner = f"{self.key}.{key.value}" if self.key else key.value
            yield Value(self.source, inner, key.value, line, node)
        for node in merged:
            other = Value(self.source, self.key, self.name, node.start_mark.line + 1, node)
            for value in other.fields():
                if value.name not in own:
                    own.add(value.name)
                    yield value

    def items(self) -> Iterator["Value"]:
        """Yield the items of a list.

        Raises:
            DataError: The value is not a list.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.mismatch("a list")
        for number, node in enumerate(self.node.value):
            name = f"{self.name}[{number}]"
            yield Value(self.source, f"{self.key}[{number}]", name, node.start_mark.line + 1, node)

    def scalar(self) -> Any:
        """Return a single value as a Python value.

        Raises:
            DataError: The value is a list or a mapping, or has a type that JSON lacks, such as a date.
        """
        if not isinstance(self.node, yaml.ScalarNode) or self.tag not in ("null", "bool", "int", "float", "str"):
            raise self.mismatch("text, a number, true or false")
        if self.tag in ("null", "str"):
            return None if self.tag == "null" else self.node.value
        try:
            return yaml.constructor.SafeConstructor().construct_object(self.node)
        except (ValueError, KeyError, IndexError, OverflowError):
            # YAML selects the type by a tag (`!!int abc`) or by the first characters (`0b_`); the rest may not fit it.
            raise self.error(
                f"{self.node.value!r} is not a valid {self.tag}; correct it, or put it in quotes"
            ) from None

    def plain(self) -> Any:
        """Return the whole value as lists, dicts and single values.

        Raises:
            DataError: It contains a value that JSON lacks.
        """
        if isinstance(self.node, yaml.SequenceNode):
            return [item.plain() for item in self.items()]
        if isinstance(self.node, yaml.MappingNode):
            return {field.name: field.plain() for field in self.fields()}
        return self.scalar()


def read_document(text: str, *, name: str) -> Value:
    r"""Read a YAML file that holds one mapping.

    Args:
        text: The content of the file.
        name: The name of the file in errors.

    Returns:
        The mapping.

    Raises:
        DataError: The file is not YAML, is not a mapping, or has a duplicate key.

    Example:
        >>> [(value.name, value.line) for value in read_document("a: 1\nb: [2]", name="x.yaml").fields()]
        [('a', 1), ('b', 2)]
    """
    node = compose_yaml(text, name=name)
    if node is None:
        raise DataError(f"{name}: the file is empty; add `datasets`")
    root = Value(name, "", "", node.start_mark.line + 1, node)
    _check(root.node, name, done=set())
    if not isinstance(node, yaml.MappingNode):
        raise root.mismatch("a mapping of keys such as `datasets:`")
    return root


def _check(node: yaml.Node, name: str, *, done: set[int]) -> None:
    """Reject duplicate keys, which PyYAML accepts silently."""
    if isinstance(node, yaml.ScalarNode) or id(node) in done:
        return
    done.add(id(node))
    if isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                seen = first.get((key.tag, key.value))
                if seen is not None and key.tag != _MERGE:
                    raise DataError(
                        f"{name}:{line}: duplicate key {key.value!r}, first given on line {seen}; remove one of them"
                    )
                first[key.tag, key.value] = line
            _check(key, name, done=done)
            _check(value, name, done=done)
    else:
        for item in node.value:
            _check(item, name, done=done)
