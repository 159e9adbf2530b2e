"""`Table`: the keys that a mapping may have: supported, ignored, or unsupported with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatmill.config.document import Value
from chatmill.config.value_types import ValueType
from chatmill.text.nearest import nearest


@dataclass(frozen=True)
class Key:
    """A supported key.

    Attributes:
        name: The name, in axolotl's words.
        type: The type of its value.
        about: A description, for editors.
    """

    name: str
    type: ValueType
    about: str


@dataclass(frozen=True)
class MappingValues:
    """The content of a mapping of the file.

    Attributes:
        supported: The values of supported keys, as Python values; nulls are left out.
        values: The same values with their places in the file.
        ignored: Names of ignored keys that have a value.
        warnings: A warning for each unknown key, with its place, if unknown keys are accepted.
    """

    supported: dict[str, Any]
    values: dict[str, Value]
    ignored: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """The keys of one kind of mapping.

    Attributes:
        what: The name of the mapping in error messages, such as "a dataset".
        supported: Keys that chatmill uses.
        ignored: Keys that do not concern the data; they may have any value.
        families: Prefixes of further keys that are ignored.
        misspelled: Misspelled keys that are ignored too, because configs of axolotl have them.
        unsupported: Keys that would change the data and that chatmill does not support, each with the reason and the
            remedy. Null and false count as a missing key.
        required: Keys that must be present. The reader of the mapping checks them, with its own messages.
        elsewhere: Keys that belong to another place, with the place.
        accepts_unknown: Whether an unknown key is a warning instead of an error. A misplaced key is an error in any
            case.
    """

    what: str
    supported: Mapping[str, Key]
    ignored: frozenset[str] = frozenset()
    families: tuple[str, ...] = ()
    misspelled: frozenset[str] = frozenset()
    unsupported: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    accepts_unknown: bool = False

    def read(self, mapping: Value) -> MappingValues:
        """Read a mapping of the file.

        Args:
            mapping: The mapping.

        Raises:
            DataError: A key is unsupported or unknown, or its value has another type.
        """
        supported: dict[str, Any] = {}
        values: dict[str, Value] = {}
        ignored = []
        warnings = []
        for value in mapping.fields():
            if value.name in self.supported:
                if not value.is_null:
                    supported[value.name] = self.supported[value.name].type.read(value)
                    values[value.name] = value
            elif value.name in self.unsupported:
                if not (value.is_null or (value.tag == "bool" and value.scalar() is False)):
                    raise value.error(f"this key is not supported: {self.unsupported[value.name]}")
            elif self._is_ignored(value.name):
                if not value.is_null:
                    ignored.append(value.name)
            elif self.accepts_unknown and value.name not in self.elsewhere:
                warnings.append(str(value.error(self.unknown(value.name))))
            else:
                raise value.error(self.unknown(value.name))
        return MappingValues(supported, values, tuple(ignored), tuple(warnings))

    def unknown(self, name: str) -> str:
        """Return the message for an unknown key.

        Args:
            name: The key.
        """
        if name in self.elsewhere:
            return f"this is not a key of {self.what}; move it to {self.elsewhere[name]}"
        unknown = f"{self.what} has no such key in chatmill or axolotl"
        if self.accepts_unknown:
            unknown += ", so it has no effect"
        # If a data key and a key of training are similar, the data key is suggested.
        for known in ([*self.supported, *self.unsupported], self.ignored):
            near = nearest(name, known)
            if near is not None:
                return f"{unknown}; did you mean {near!r}?"
        return f"{unknown}; correct or remove it"

    def _is_ignored(self, name: str) -> bool:
        return name in self.ignored or name in self.misspelled or name.startswith(self.families)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the mapping, for editors. It marks all unknown keys, also accepted ones."""
        properties: dict[str, Any] = {
            key.name: {**_or_null(key.type.schema), "description": key.about} for key in self.supported.values()
        }
        for name, reason in self.unsupported.items():
            properties[name] = {"enum": [None, False], "description": f"Not supported by chatmill: {reason}"}
        for name in sorted(self.ignored):
            properties[name] = {"description": "A key about training; chatmill ignores it."}
        for name in self.required:
            properties[name] = {**self.supported[name].type.schema, "description": self.supported[name].about}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if self.required:
            schema["required"] = list(self.required)
        # Editors do not complete patterns, so they suggest no misspelled key.
        patterns = [*self.families, *(f"{name}$" for name in sorted(self.misspelled))]
        if patterns:
            schema["patternProperties"] = {f"^({'|'.join(patterns)})": True}
        return schema


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that also allows null, which means the same as a missing key."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
