"""`config_schema`: the JSON schema of config files."""

from typing import Any

from chatmill.config.keys import CONFIG_TABLE


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of config files. Editors use it to complete keys, and to mark invalid keys and values.

    Returns:
        A schema of draft 2020-12. Keys about training may have any value.

    Example:
        >>> config_schema()["properties"]["train_on_inputs"]
        {'type': ['boolean', 'null'], 'description': 'Train the prompts too.'}
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A config of chatmill",
        "description": "A config file for `chatmill prepare`, with the keys of an axolotl config.",
        **CONFIG_TABLE.schema(),
        "anyOf": [_given("datasets"), _given("pretraining_dataset")],
    }


def _given(key: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"type": "array"}}}
