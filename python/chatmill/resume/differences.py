"""`differences`: why two keys differ, in words, the cause that explains most first; `nearest_differences`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatmill.text.quote import shorten

_SHOWN = 60
_LISTED = 3


@dataclass(frozen=True)
class Difference:
    """A difference of two keys.

    Attributes:
        code: What differs: `recipe`, `tokenizer`, `template`, `now`, or `option:` and its name.
        text: How, as a sentence without its end.
    """

    code: str
    text: str


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Compare the fields of two keys.

    Args:
        before: The fields of the earlier key. What it does not tell is not compared.
        now: The fields of the new key.

    Example:
        >>> before, now = ({"options": {"max_length": size}} for size in (None, 2048))
        >>> differences(before, now)
        [Difference(code='option:max_length', text='max_length is 2048, and was not set')]
    """
    return [
        *_of_recipe(before, now),
        *_of_tokenizer(before.get("tokenizer") or {}, now.get("tokenizer") or {}),
        *_of_template(before.get("template") or {}, now.get("template") or {}),
        *_of_options(before.get("options") or {}, now.get("options") or {}),
        *_of_time(before, now),
    ]


def nearest_differences(before: Iterable[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Say how each earlier key differs from the new key that is most like it.

    Args:
        before: The fields of the earlier keys.
        now: The fields of the new keys.

    Returns:
        The differences, each once.
    """
    nearest = (min((differences(earlier, key) for key in now), key=len, default=[]) for earlier in before)
    return list(dict.fromkeys(it for found in nearest for it in found))


def _of_recipe(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    if "recipe" in before and before["recipe"] != now.get("recipe"):
        text = f"this version of chatmill makes other tokens (recipe {now.get('recipe')}, and was {before['recipe']})"
        yield Difference("recipe", text)


def _of_tokenizer(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    found = list(_tokenizer_parts(before, now))
    if not found and _differ("fingerprint", before, now):
        one, other = (str(it["fingerprint"])[:8] for it in (now, before))
        found = [f"its tokenizer.json is another one (SHA-256 {one}…, and was {other}…)"]
    if found:
        yield Difference("tokenizer", f"tokenizer: {'; '.join(found)}")


def _tokenizer_parts(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if _differ("added_tokens", before, now):
        gone, new = before["added_tokens"], now["added_tokens"]
        signs = [*(f"+{name}" for name in new if name not in gone), *(f"-{name}" for name in gone if name not in new)]
        signs += [f"{name} has the id {new[name]}" for name in new if name in gone and new[name] != gone[name]]
        yield f"added tokens differ: {_listed(signs)}" if signs else "added tokens have another order"
    if _differ("special_tokens", before, now):
        yield f"special tokens: {_changed(before['special_tokens'], now['special_tokens'])}"
    if _differ("stop_tokens", before, now):
        yield f"stop tokens are {_value(now['stop_tokens'])}, and were {_value(before['stop_tokens'])}"
    if _differ("rules", before, now):
        yield f"its rules are those of {_value(now['rules'])}, and were those of {_value(before['rules'])}"


def _of_template(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    found = []
    for name, what in (("source", "its text"), ("tool_use", "its text for tools")):
        if _differ(name, before, now):
            found.append(_text_change(what, before[name] or "", now[name] or ""))
    if _differ("special_tokens", before, now):
        found.append(f"its special tokens: {_changed(before['special_tokens'], now['special_tokens'])}")
    if not found and _differ("fingerprint", before, now):
        found.append("it is another one")
    if found:
        yield Difference("template", f"template: {'; '.join(found)}")


def _of_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for name in now:
        # An option that an earlier version did not have was not used.
        if name in before and before[name] != now[name]:
            if isinstance(before[name], dict) and isinstance(now[name], dict):
                text = f"{name}: {_changed(before[name], now[name])}"
            else:
                text = f"{name} {_is(now[name])}, and {_was(before[name])}"
            yield Difference(f"option:{name}", text)


def _of_time(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    if "now" in before and before["now"] != now.get("now"):
        text = f"the template prints the time: it is {now.get('now')}, and was {before['now']}; give it with `now`"
        yield Difference("now", f"{text} (`--now`)")


def _differ(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return name in before and name in now and before[name] != now[name]


def _text_change(what: str, before: str, now: str) -> str:
    old, new = before.splitlines(), now.splitlines()
    for number, (one, other) in enumerate(zip(old, new, strict=False), 1):
        if one != other:
            place = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
            start = max(0, place - 10)
            return f"{what} differs in line {number}: {_value(other[start:])}, and was {_value(one[start:])}"
    if len(old) == len(new):
        return f"{what} ends with another line break"
    return f"{what} has {len(new):,} lines, and had {len(old):,}"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return _listed([f"{name} {_is(now.get(name))}, and {_was(before.get(name))}" for name in names], "; ")


def _is(value: Any) -> str:
    return "is not set" if value is None else f"is {_value(value)}"


def _was(value: Any) -> str:
    return "was not set" if value is None else f"was {_value(value)}"


def _value(value: Any) -> str:
    return shorten(repr(value), _SHOWN)


def _listed(texts: list[str], separator: str = ", ") -> str:
    more = len(texts) - _LISTED
    return separator.join(texts[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")
