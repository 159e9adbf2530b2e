"""Config files: YAML files with the keys of axolotl configs, read into typed values.

Keys about the data are either supported, or rejected with a reason. Keys about training are ignored. All other keys are
rejected. Errors name the file, the line and the key.

Example:
    >>> config = parse_config("datasets: [{path: rows.jsonl, type: alpaca}]", name="config.yaml")
    >>> config.datasets[0].type, config.seed
    ('alpaca', 42)
"""

from chatmill.config.model import Config, DatasetConfig
from chatmill.config.read import parse_config, read_config
from chatmill.config.schema import config_schema

__all__ = ["Config", "DatasetConfig", "config_schema", "parse_config", "read_config"]
