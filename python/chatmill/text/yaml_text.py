"""`read_yaml` and `compose_yaml`: the readers of foreign YAML, with limits, and errors that name the file and the line.

Few characters of YAML can stand for very many: an alias repeats a whole value, which may hold further aliases. The
size of a document is therefore limited as it would be with all aliases written out.
"""

from typing import Any

import yaml

from chatmill._chatmill import DataError

#: The most characters of a document, and of the same document with all aliases written out.
LONGEST, LONGEST_EXPANDED = 4 << 20, 16 << 20
#: The most values of a document with all aliases written out, and the most levels of lists and mappings.
MOST_VALUES, DEEPEST = 200_000, 100
# The longest value that is not text. Reading long numbers takes very long.
_LONGEST_NUMBER = 1000

_OwnLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The errors of PyYAML for a value that does not fit its tag.
_MISFIT = (ValueError, KeyError, IndexError, TypeError, OverflowError, AttributeError)

_TAG = "tag:yaml.org,2002:"
_TEXTS = (f"{_TAG}str", f"{_TAG}value", f"{_TAG}binary")


def read_yaml(text: str, *, name: str) -> Any:
    """Read YAML text as Python values.

    Args:
        text: The text.
        name: The name of the file or option in errors.

    Raises:
        DataError: The text is not YAML, or is too large or too deeply nested.

    Example:
        >>> read_yaml("a: [1, x]", name="x.yaml")
        {'a': [1, 'x']}
        >>> read_yaml("a: [1", name="x.yaml")
        Traceback (most recent call last):
        chatmill._chatmill.DataError: x.yaml:1: not YAML: expected ',' or ']', but got '<stream end>'
    """
    node = compose_yaml(text, name=name)
    if node is None:
        return None
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, name) from None
    except _MISFIT as error:
        # A tag or the first characters select the type of a value, such as a date; the rest may not fit it.
        raise DataError(
            f"{_misfit(node, name) or name}: a value does not fit its type ({error}); correct it, or put it in quotes"
        ) from None
    except RecursionError:
        raise _too_deep(name) from None
    finally:
        loader.dispose()


def read_own_yaml(text: str) -> Any:
    """Read the text of a YAML file of this package as Python values, without limits.

    Args:
        text: The text. The parser in C takes a tenth of the time, but cannot be limited in depth.
    """
    return yaml.load(text, Loader=_OwnLoader)  # noqa: S506 (a safe loader)


def compose_yaml(text: str, *, name: str) -> yaml.Node | None:
    """Read YAML text as nodes, which know their lines. Aliases are the nodes that they stand for.

    Args:
        text: The text.
        name: The name of the file or option in errors.

    Returns:
        The root; None if the text is empty.

    Raises:
        DataError: As for `read_yaml`, or a value contains itself.
    """
    if len(text) > LONGEST:
        raise DataError(f"{name}: the YAML has {len(text):,} characters, more than {LONGEST:,}; make it shorter")
    loader: yaml.SafeLoader | None = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DataError(
            f"{name}:{line}: not YAML: the character {chr(error.character)!r} is not allowed; remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, name) from None
    except RecursionError:
        raise _too_deep(_line_of(loader, name)) from None
    except (ValueError, OverflowError) as error:  # such as an escape beyond the last character of Unicode
        raise DataError(f"{_line_of(loader, name)}: not YAML: {error}") from None
    if node is not None:
        _Sizes(name).of(node, 1)
    return node


class _Sizes:
    """The sizes of the values of a document: the number of values and of characters, with aliases written out."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[int, tuple[int, int, int]] = {}
        self._open: set[int] = set()

    def of(self, node: yaml.Node, depth: int) -> tuple[int, int, int]:
        """Return the values, the characters and the levels of a node."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = self._measured(node, depth)
        values, characters, levels = known
        if depth + levels - 1 > DEEPEST:
            raise _too_deep(self._place(node))
        if values > MOST_VALUES or characters > LONGEST_EXPANDED:
            raise DataError(
                f"{self._place(node)}: with all aliases written out, this is more than {MOST_VALUES:,} values or "
                f"{LONGEST_EXPANDED:,} characters; remove aliases"
            )
        return known

    def _measured(self, node: yaml.Node, depth: int) -> tuple[int, int, int]:
        if isinstance(node, yaml.ScalarNode):
            if node.tag not in _TEXTS and len(node.value) > _LONGEST_NUMBER:
                raise DataError(f"{self._place(node)}: the value {node.value[:20]}… is too long; put it in quotes")
            return 1, len(node.value), 1
        if id(node) in self._open:
            raise DataError(f"{self._place(node)}: this value contains itself through an alias; remove the alias")
        if depth > DEEPEST:
            raise _too_deep(self._place(node))
        self._open.add(id(node))
        inner = node.value if isinstance(node, yaml.SequenceNode) else [it for entry in node.value for it in entry]
        values = characters = levels = 0
        for child in inner:
            more = self.of(child, depth + 1)
            values, characters, levels = values + more[0], characters + more[1], max(levels, more[2])
        self._open.remove(id(node))
        return values + 1, characters, levels + 1

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name}:{node.start_mark.line + 1}"


def _line_of(loader: yaml.SafeLoader | None, name: str) -> str:
    return name if loader is None else f"{name}:{loader.line + 1}"


def _misfit(node: yaml.Node, name: str) -> str:
    """Return the place of the first value that does not fit its type."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.constructor.SafeConstructor().construct_object(node)
        except (*_MISFIT, yaml.YAMLError):
            return f"{name}:{node.start_mark.line + 1}"
        return ""
    inner = node.value if isinstance(node, yaml.SequenceNode) else [it for entry in node.value for it in entry]
    places = (_misfit(child, name) for child in inner)
    return next(filter(None, places), "")


def _not_yaml(error: yaml.MarkedYAMLError, name: str) -> DataError:
    mark = error.problem_mark or error.context_mark
    place = name if mark is None else f"{name}:{mark.line + 1}"
    return DataError(f"{place}: not YAML: {error.problem or error.context}")


def _too_deep(place: str) -> DataError:
    return DataError(f"{place}: lists and mappings are nested too deeply; flatten them")
