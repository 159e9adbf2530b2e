"""The JSON schema of config files marks what the reader refuses or warns of, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from chatmill import DataError
from chatmill.config import DatasetConfig, config_schema, parse_config
from chatmill.config.dataset_keys import DATASET_TABLE, OF_CONFIG, TYPE_TABLE
from chatmill.config.keys import CONFIG_TABLE
from hypothesis import given
from hypothesis import strategies as st
from json_schema import violations


def test_tables_fit_together() -> None:
    for table in (CONFIG_TABLE, DATASET_TABLE, TYPE_TABLE):
        groups = (set(table.supported), set(table.unsupported), table.ignored, table.misspelled)
        assert sum(map(len, groups)) == len(set().union(*groups))
        assert not [name for name in table.supported if name.startswith(table.families or ("\0",))]
    assert set(OF_CONFIG) == set(CONFIG_TABLE.supported) - set(DATASET_TABLE.supported)
    # Each key of a dataset is a field of `DatasetConfig`.
    assert set(DATASET_TABLE.supported) <= set(DatasetConfig.__dataclass_fields__)


def test_the_schema_takes_the_configs_of_the_corpus(corpus: Path) -> None:
    for path in (corpus / "reference" / "axolotl_configs").iterdir():
        assert not violations(yaml.safe_load(path.read_text("utf-8")), config_schema()), path.name


def test_the_schema_is_json_and_describes_every_key() -> None:
    schema = json.loads(json.dumps(config_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) >= {*CONFIG_TABLE.supported, *CONFIG_TABLE.ignored, *CONFIG_TABLE.unsupported}
    dataset = schema["properties"]["datasets"]["items"]
    for properties in (schema["properties"], dataset["properties"]):
        assert all(
            it["description"].endswith(".") or it["description"].startswith("Not supported by chatmill: ")
            for it in properties.values()
        )


def taken(config: dict[str, Any]) -> bool:
    """Whether the reader neither refuses the config nor warns of a key."""
    try:
        return not parse_config(yaml.safe_dump(config, allow_unicode=True), name="config.yaml").warnings
    except DataError:
        return False


WORDS = st.sampled_from(
    ["", "word", "all", "turn", "none", "drop", "dpo", "tokenizer_default", "2048", "a: b", "é\n ", "5%", "101%"]
)
SINGLE = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.sampled_from([-0.5, 0.5, 1.0, 2.5, 1e9]), WORDS)
VALUES = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["eos_token", "role", "format", "path", "other"]), inner, max_size=2),
    ),
    max_leaves=4,
)
# The keys that a key requires. A schema cannot express that `shards_idx` must be below `shards`, so `shards` is larger
# than any drawn value.
TOGETHER: dict[str, dict[str, Any]] = {"shards_idx": {"shards": 10**10}}


@given(
    st.sampled_from([*CONFIG_TABLE.supported, *CONFIG_TABLE.unsupported, "learning_rate", "wandb_x", "other"]), VALUES
)
def test_the_schema_and_the_reader_agree_on_configs(key: str, value: Any) -> None:
    config = {"datasets": [{"path": "rows.jsonl"}], key: value}
    if key == "pretraining_dataset":
        del config["datasets"]
    assert taken(config) is not bool(violations(config, config_schema()))


@given(st.sampled_from([*DATASET_TABLE.supported, *DATASET_TABLE.unsupported, "trust_remote_code", "other"]), VALUES)
def test_the_schema_and_the_reader_agree_on_datasets(key: str, value: Any) -> None:
    config = {"datasets": [{"path": "rows.jsonl", **TOGETHER.get(key, {}), key: value}]}
    assert taken(config) is not bool(violations(config, config_schema()))
