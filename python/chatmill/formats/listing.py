"""The text that `chatmill formats` prints: all formats, or one format with its fields and its text."""

import json

from chatmill.formats.format import Format


def list_formats() -> str:
    """List all formats of the library, each with one line about its rows and an example row.

    Example:
        >>> print(list_formats().splitlines()[0])
        alpaca: an instruction, an optional input, and the answer
    """
    return "\n".join(f"{name}: {Format.named(name).about}\n  {_example(Format.named(name))}" for name in Format.names())


def show_format(name: str) -> str:
    """Describe one format: its fields, its styles, an example row, and its text or messages.

    Args:
        name: A name of the library, with or without a style; or the path of a file that defines a format.

    Raises:
        DataError: There is no such format.

    Example:
        >>> print(show_format("alpaca:chat").splitlines()[0])
        alpaca:chat: an instruction, an optional input, and the answer
    """
    form = Format.of(name)
    lines = [f"{form.name}: {form.about}" if form.about else form.name]
    for field in form.core["fields"]:
        notes = [_type(field.get("type", "text"))]
        notes += ["optional"] if field.get("optional") else []
        notes += [f"or {', '.join(field['others'])}"] if field.get("others") else []
        lines.append(f"  field {field.get('column', field['name'])}: {', '.join(notes)}")
    # A file may define a format that has the name of a library format, so the given name decides.
    base = name if name in Format.names() else name.rpartition(":")[0]
    if base in Format.names() and (styles := Format.styles(base)):
        lines.append(f"  styles: {', '.join(styles)}")
    if form.defaults:
        lines.append(f"  default options: {json.dumps(dict(form.defaults))}")
    lines.append(f"  example: {_example(form)}")
    parts = form.core.get("answers", {}).get("parts")
    if parts is not None:
        lines.append(f"  answers: {json.dumps(parts, ensure_ascii=False)}")
    messages = form.core.get("messages")
    if messages is not None:
        lines.append(f"  messages: {json.dumps(messages, ensure_ascii=False)}")
    if "text" in form.core:
        lines += ["  text:", *(f"    {line}" for line in str(form.core["text"]).splitlines())]
    return "\n".join(lines)


def _example(form: Format) -> str:
    return json.dumps(form.example, ensure_ascii=False)


def _type(holds: object) -> str:
    return holds if isinstance(holds, str) else json.dumps(holds)
