"""`MillKey`: all that decides the tokens of a row, besides the row itself, as a structure that can be compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chatmill._chatmill import ChatTemplate, Mill, Tokenizer

#: The number of the recipe that makes tokens of rows. It grows when a new version of chatmill makes other tokens.
RECIPE = 2

#: The options of a mill that change no byte of its tokens. `now` counts only if the template reads the clock.
WITHOUT_EFFECT = ("threads", "now")

# The types of the fields that are compared part by part.
_TYPES: tuple[tuple[str, str | None, type[Any]], ...] = (
    ("options", None, dict),
    ("tokenizer", None, dict),
    ("tokenizer", "added_tokens", dict),
    ("tokenizer", "special_tokens", dict),
    ("template", None, dict),
    ("template", "source", str),
    ("template", "tool_use", str),
    ("template", "special_tokens", dict),
)


@dataclass(frozen=True)
class MillKey:
    """What decides the tokens of rows.

    Attributes:
        fields: The recipe, the tokenizer, the template and the options, as a value that JSON can hold.
        names: Names for people: of the tokenizer and of the template. They change no token.
    """

    fields: Mapping[str, Any]
    names: Mapping[str, str]

    @classmethod
    def of(cls, mill: Mill) -> "MillKey":
        """Return the key of a mill.

        Args:
            mill: The mill.
        """
        options = {name: value for name, value in mill.options.items() if name not in WITHOUT_EFFECT}
        options["format"] = None if mill.format is None else mill.format.core
        reads_clock = mill.template.reads_clock and (mill.format is None or mill.format.needs_template)
        now = mill.options["now"]
        fields = {
            "recipe": RECIPE,
            "tokenizer": _tokenizer(mill.tokenizer),
            "template": _template(mill.template),
            "options": options,
            "now": now.isoformat() if reads_clock and now is not None else None,
        }
        # Through JSON, so that a key that was read equals one that was made: tuples become lists.
        return cls(json.loads(_json(fields)), {"tokenizer": mill.tokenizer.name, "template": mill.template.name})

    @classmethod
    def from_json(cls, text: str | bytes) -> "MillKey":
        """Return the key of a text of `to_json`.

        Args:
            text: The text.

        Raises:
            ValueError: It is not a key.
        """
        return cls.from_fields(json.loads(text))

    @classmethod
    def from_fields(cls, found: Any) -> "MillKey":
        """Return the key of the value of `to_json`.

        Args:
            found: The value.

        Raises:
            ValueError: It is not a key.
        """
        fields = found.get("fields") if isinstance(found, dict) else None
        if not isinstance(fields, dict) or not all(_has_type(fields, *it) for it in _TYPES):
            raise ValueError("it is not a key")
        names = found.get("names")
        return cls(fields, {name: str(it) for name, it in names.items()} if isinstance(names, dict) else {})

    def to_json(self) -> str:
        """Return the key as JSON."""
        return json.dumps({"fields": self.fields, "names": self.names}, ensure_ascii=False, indent=2)

    # A run asks for it with each block, and the fields hold the template and all added tokens.
    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the fields, in hexadecimal digits."""
        return hashlib.sha256(_json(self.fields).encode("utf-8", "surrogatepass")).hexdigest()


def key_in_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest tells of the fields of a key.

    Args:
        manifest: The manifest of an output.
    """
    tokenizer, template = manifest["tokenizer"], manifest["template"]
    options = {name: value for name, value in manifest["options"].items() if name not in WITHOUT_EFFECT}
    return {
        **({"recipe": manifest["recipe"]} if "recipe" in manifest else {}),
        "tokenizer": {name: tokenizer[name] for name in ("fingerprint", "rules") if name in tokenizer},
        "template": {name: template[name] for name in ("fingerprint", "source", "special_tokens") if name in template},
        "options": options,
    }


def _has_type(fields: Mapping[str, Any], name: str, part: str | None, kind: type[Any]) -> bool:
    """Return whether a field, or a part of it, has a type. It may be missing."""
    value = fields.get(name)
    if part is not None:
        value = value.get(part) if isinstance(value, dict) else None
    return value is None or isinstance(value, kind)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    # The engine is no part of it: the ids of each engine are compared with those of the reference when it is loaded.
    return {
        "fingerprint": tokenizer.fingerprint,
        "rules": tokenizer.rules,
        "special_tokens": tokenizer.special_tokens,
        "stop_tokens": tokenizer.stop_tokens,
        "added_tokens": _added_tokens(tokenizer.__getnewargs_ex__()[0][0]),
    }


def _added_tokens(definition: str) -> dict[str, int]:
    """Return the ids of the added tokens of a `tokenizer.json`, without parsing its vocabulary."""
    place = definition.find('"added_tokens"')
    start = definition.find("[", place)
    if place < 0 or start < 0:
        return {}
    try:
        found = json.JSONDecoder().raw_decode(definition, start)[0]
        return {str(token["content"]): int(token["id"]) for token in found}
    except (ValueError, TypeError, KeyError):
        return {}


def _template(template: ChatTemplate) -> dict[str, Any]:
    return {
        "fingerprint": template.fingerprint,
        "source": template.source,
        "tool_use": template.tool_use,
        "special_tokens": template.special_tokens,
    }
