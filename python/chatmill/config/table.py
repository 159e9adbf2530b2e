"""Which keys a mapping may have: served, passed over, or refused with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from chatmill.config.document import Value
from chatmill.config.kinds import Kind


@dataclass(frozen=True)
class Key:
    """A key that chatmill serves.

    Attributes:
        name: As axolotl names it.
        kind: What may stand behind it.
        about: What it does, for editors.
    """

    name: str
    kind: Kind
    about: str


@dataclass(frozen=True)
class Found:
    """What a mapping of the file holds.

    Attributes:
        served: The values of keys that are served, as Python has them; nulls are left out.
        values: The same as they stand in the file, to name places by.
        passed_over: Names of keys that have a value and are passed over.
    """

    served: dict[str, Any]
    values: dict[str, Value]
    passed_over: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The keys of one kind of mapping.

    Attributes:
        what: Whose keys these are, as in "no key of a dataset".
        served: Keys that mean something to chatmill.
        passed: Keys that mean nothing to it, with any value.
        families: What the names of further such keys begin with.
        misspelled: Keys that are no keys, and are passed over all the same.
        refused: Keys that would change the data and that chatmill does not serve: why, and what to do. Null and false
            are the same as no key.
        required: Keys that must be there; whoever reads the mapping checks it, with words of its own.
        elsewhere: Keys that belong to another place: which.
    """

    what: str
    served: Mapping[str, Key]
    passed: frozenset[str] = frozenset()
    families: tuple[str, ...] = ()
    misspelled: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def read(self, mapping: Value) -> Found:
        """Read a mapping of the file.

        Args:
            mapping: The mapping.

        Raises:
            DataError: A key is refused or not known, or its value is of another type.
        """
        served: dict[str, Any] = {}
        values: dict[str, Value] = {}
        passed_over = []
        for value in mapping.fields():
            if value.name in self.served:
                if not value.is_null:
                    served[value.name] = self.served[value.name].kind.read(value)
                    values[value.name] = value
            elif value.name in self.refused:
                if not (value.is_null or (value.tag == "bool" and value.scalar() is False)):
                    raise value.error(f"chatmill does not serve this key: {self.refused[value.name]}")
            elif self._passes(value.name):
                if not value.is_null:
                    passed_over.append(value.name)
            else:
                raise value.error(self.unknown(value.name))
        return Found(served, values, tuple(passed_over))

    def unknown(self, name: str) -> str:
        """What to say of a key that nobody knows.

        Args:
            name: The key.
        """
        if name in self.elsewhere:
            return f"this is no key of {self.what}: it belongs to {self.elsewhere[name]}"
        # A data key before a key of training, where both are near: it is the one that matters here.
        for known in ([*self.served, *self.refused], self.passed):
            near = get_close_matches(name, known, n=1, cutoff=0.75)
            if near:
                return f"this is no key of {self.what} that chatmill or axolotl knows: did you mean {near[0]}?"
        return f"this is no key of {self.what} that chatmill or axolotl knows: correct or remove it"

    def _passes(self, name: str) -> bool:
        return name in self.passed or name in self.misspelled or name.startswith(self.families)

    def schema(self) -> dict[str, Any]:
        """The mapping as a JSON schema for editors."""
        properties: dict[str, Any] = {
            key.name: {**_or_null(key.kind.schema), "description": key.about} for key in self.served.values()
        }
        for name, reason in self.refused.items():
            properties[name] = {"enum": [None, False], "description": f"Not served by chatmill: {reason}"}
        for name in sorted(self.passed):
            properties[name] = {"description": "Of training; chatmill passes it over."}
        for name in self.required:
            properties[name] = {**self.served[name].kind.schema, "description": self.served[name].about}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if self.required:
            schema["required"] = list(self.required)
        # Patterns are not completed by editors: so no misspelled key is proposed.
        patterns = [*self.families, *(f"{name}$" for name in sorted(self.misspelled))]
        if patterns:
            schema["patternProperties"] = {f"^({'|'.join(patterns)})": True}
        return schema


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A key with nothing behind it is as if it were not there."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
