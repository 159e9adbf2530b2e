"""Invalid config files: each error names the file, the line and the key, and contains a remedy."""

from __future__ import annotations

import pytest
from chatmill import DataError
from chatmill.config import parse_config
from chatmill.config.dataset_keys import DATASET_TABLE
from chatmill.config.keys import CONFIG_TABLE
from hypothesis import given
from hypothesis import strategies as st

ROWS = "datasets:\n  - path: rows.jsonl\n    type: chat_template\n"


def refused(text: str) -> str:
    """The error for this config."""
    with pytest.raises(DataError) as caught:
        parse_config(text, name="config.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.yaml: the file is empty"),
        ("# nothing\n", "config.yaml: the file is empty"),
        ("- a\n", "config.yaml:1: expected a mapping of keys such as `datasets:`, found a list"),
        ("\nrows", "config.yaml:2: expected a mapping of keys such as `datasets:`, found the text 'rows'"),
        ("seed: 1\n", "config.yaml: there is nothing to prepare; add `datasets`"),
        ("datasets:\n  - path: a\n   type: b\n", "config.yaml:3: not YAML: "),
        ("datasets:\n\t- path: a\n", "config.yaml:2: not YAML: found character '\\t'"),
        ("a: [1\nb: 2\n", "config.yaml:2: not YAML: "),
        ("a: 1\nb: \x01\n", "config.yaml:2: not YAML: the character '\\x01' is not allowed"),
        ("a: 1\n---\nb: 2\n", "config.yaml:2: not YAML: "),
        ("datasets: *rows\n", "config.yaml:1: not YAML: found undefined alias"),
        ("datasets: &a [*a]\n", "config.yaml:1: this value contains itself"),
        ("a: " + "[" * 5000, "config.yaml:1: lists and mappings are nested too deeply"),
        ("1: a\n" + ROWS, "config.yaml:1: expected text as a key, found the integer 1"),
        ("? [a]\n: b\n" + ROWS, "config.yaml:1: expected text as a key, found a list"),
    ],
)
def test_files_that_are_no_configs(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{ROWS}seed: 1\nseed: 2\n", "config.yaml:5: duplicate key 'seed', first given on line 4; remove one of them"),
        (f"{ROWS}    type: alpaca\n", "config.yaml:4: duplicate key 'type', first given on line 3; remove one of them"),
        (
            f"{ROWS}fsdp_config: {{a: 1, a: 2}}\n",
            "config.yaml:4: duplicate key 'a', first given on line 4; remove one of them",
        ),
    ],
)
def test_keys_that_stand_twice_are_refused(text: str, message: str) -> None:
    assert refused(text) == message


def warned(text: str) -> tuple[str, ...]:
    """The warnings of this config."""
    return parse_config(text, name="config.yaml").warnings


UNKNOWN = "a config has no such key in chatmill or axolotl, so it has no effect; "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence_length: 1\n", f"config.yaml:4: sequence_length: {UNKNOWN}did you mean 'sequence_len'?"),
        ("lerning_rate: 1\n", f"config.yaml:4: lerning_rate: {UNKNOWN}did you mean 'learning_rate'?"),
        (
            "context_paralel_size: 1\n",
            f"config.yaml:4: context_paralel_size: {UNKNOWN}did you mean 'context_parallel_size'?",
        ),
        ("train_on_input: true\n", f"config.yaml:4: train_on_input: {UNKNOWN}did you mean 'train_on_inputs'?"),
        ("\nqqqq: {a: [1]}\n", f"config.yaml:5: qqqq: {UNKNOWN}correct or remove it"),
        ("qqqq:\n", f"config.yaml:4: qqqq: {UNKNOWN}correct or remove it"),
    ],
)
def test_unknown_keys_at_the_top_are_warnings(text: str, message: str) -> None:
    assert warned(ROWS + text) == (message,)


def test_each_unknown_key_is_told_and_known_keys_are_quiet() -> None:
    config = parse_config(f"{ROWS}one_one: 1\nlearning_rate: 1\nwandb_x: 1\ntwo_two: 1\n", name="config.yaml")
    assert [text.split(": ")[1] for text in config.warnings] == ["one_one", "two_two"]
    assert config.ignored == ("learning_rate", "wandb_x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("    spilt: train\n", "config.yaml:4: datasets[0].spilt: a dataset has no such key in chatmill or axolotl; "),
        ("    spilt: train\n", "did you mean 'split'?"),
        ("    weights: 2\n", "did you mean 'weight'?"),
        ("split: train\n", "this is not a key of a config; move it to an entry of `datasets`"),
        ("    sequence_len: 5\n", "this is not a key of a dataset; move it to the top level of the file"),
        ("    learning_rate: 5\n", "this is not a key of a dataset; move it to the top level of the file"),
        ("    no_input_format: x\n", "this is not a key of a dataset; move it to the mapping of a user-defined `type`"),
        ("special_tokens: {eos: x}\n", "config.yaml:4: special_tokens.eos: `special_tokens` has no such key"),
        (
            "test_datasets:\n- path: a\n  type: {fromat: x}\n",
            "config.yaml:6: test_datasets[0].type.fromat: a user-defined `type` has no such key",
        ),
    ],
)
def test_unknown_and_misplaced_keys_of_the_data_are_refused_by_name(text: str, message: str) -> None:
    assert message in refused(ROWS + text)


def test_no_misspelled_key_is_proposed() -> None:
    assert "context_parallel_size'?" in warned(f"{ROWS}context_parapllel_sizes: 2\n")[0]


def test_data_keys_that_are_not_served_are_refused_with_the_reason() -> None:
    for name, reason in CONFIG_TABLE.unsupported.items():
        expected = f"config.yaml:4: {name}: this key is not supported: {reason}"
        assert refused(f"{ROWS}{name}: 1\n") == refused(f"{ROWS}{name}: true\n") == expected
        parse_config(f"{ROWS}{name}: false\n", name="config.yaml")
    for name, reason in DATASET_TABLE.unsupported.items():
        expected = f"config.yaml:4: datasets[0].{name}: this key is not supported: {reason}"
        assert refused(f"{ROWS}    {name}: x\n") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: some\n", "config.yaml:4: seed: expected an integer, 0 or more, found the text 'some'"),
        ("sequence_len: '2048'\n", "sequence_len: expected an integer, 1 or more, found the text '2048'"),
        ("sequence_len: 0\n", "sequence_len: expected an integer, 1 or more, found the integer 0"),
        ("sequence_len: 0.5\n", "sequence_len: expected an integer, 1 or more, found the number 0.5"),
        ("sequence_len: !!int x\n", "sequence_len: 'x' is not a valid int; correct it, or put it in quotes"),
        ("train_on_inputs: 1\n", "train_on_inputs: expected true or false, found the integer 1"),
        ("excess_length_strategy: cut\n", "expected one of drop, truncate, raise, found the text 'cut'"),
        ("rl: pro\n", "rl: expected one of dpo, ipo, kto, simpo, orpo, grpo, gdpo, ebft, found the text 'pro'"),
        ("eot_tokens: <eot>\n", "eot_tokens: expected a list of texts, found the text '<eot>'"),
        ("eot_tokens:\n- a\n- 5\n", "config.yaml:6: eot_tokens[1]: expected text, found the integer 5"),
        ("eot_tokens: [~]\n", "config.yaml:4: eot_tokens[0]: expected text, found nothing"),
        ("special_tokens: {pad_token: 0}\n", "special_tokens.pad_token: expected text that is not empty, found the"),
        ("special_tokens: <pad>\n", "special_tokens: expected a mapping, found the text '<pad>'"),
        ("chat_template_kwargs: {day: 2024-01-01}\n", "chat_template_kwargs.day: expected text, a number, true or"),
        ("test_datasets: a.jsonl\n", "test_datasets: expected a list of datasets, each with a `path`, found the text"),
        ("test_datasets: []\n", "config.yaml:4: test_datasets: the list is empty"),
        ("test_datasets: [a.jsonl]\n", "test_datasets[0]: expected a dataset, such as {path: rows.jsonl, type:"),
        ("test_datasets:\n- type: alpaca\n", "config.yaml:5: test_datasets[0]: the dataset has no `path`"),
        ("    split: 3\n", "config.yaml:4: datasets[0].split: expected text that is not empty, found the integer 3"),
        ("    revision: 2024-01-01\n", "found the date 2024-01-01 (for text, put it in quotes)"),
        ("    name: !x y\n", "datasets[0].name: expected text that is not empty, found a value with the tag !x"),
        ("    weight: 0\n", "datasets[0].weight: expected a number above 0, found the integer 0"),
        ("    roles: [user]\n", "datasets[0].roles: expected a mapping from text to lists of texts, found a list"),
        ("    roles: {user: human}\n", "datasets[0].roles.user: expected a list of texts, found the text 'human'"),
        ("    train_on_eos: true\n", "train_on_eos: expected one of all, turn, last, none, found true"),
        ("    message_property_mappings: {role: 1}\n", "message_property_mappings.role: expected text, found the"),
        ("    data_files: {train: a}\n", "datasets[0].data_files: expected text or a list of texts, found a mapping"),
        ("    shards_idx: 1\n", "config.yaml:4: datasets[0].shards_idx: `shards` is missing; add the number of parts"),
        (
            "    shards: 2\n    shards_idx: 2\n",
            (
                "config.yaml:5: datasets[0].shards_idx: there is no part 2 of 2 parts, which are counted from 0; "
                "use at most 1"
            ),
        ),
        (
            "    shards: 2\n    preprocess_shards: 2\n",
            "preprocess_shards: axolotl does not support this key together with `shards`; remove one of them",
        ),
        (
            "    chat_template: jinja\n",
            "datasets[0].chat_template: `jinja` needs a template source; add `chat_template_jinja`",
        ),
        (
            "chat_template: jinja\n",
            "config.yaml:4: chat_template: `jinja` needs a template source; add `chat_template_jinja`",
        ),
        (
            "    message_field_role: from\n    message_property_mappings: {role: speaker}\n",
            (
                "config.yaml:4: datasets[0].message_field_role: the value is 'from', but "
                "`message_property_mappings.role` is 's"
            ),
        ),
        (
            "val_set_size: 0.1\ntest_datasets: [{path: a}]\n",
            (
                "config.yaml:4: val_set_size: this key cannot be combined with `test_datasets` (line 5); "
                "remove one of them"
            ),
        ),
    ],
)
def test_values_that_are_wrong_are_refused_with_their_place(text: str, message: str) -> None:
    found = refused(ROWS + text)
    assert message in found
    assert found.startswith("config.yaml:")


def test_a_comma_after_the_last_item_is_no_item() -> None:
    assert parse_config(ROWS + "eot_tokens: [a, ]\n", name="config.yaml").eot_tokens == ("a",)


@pytest.mark.parametrize("type_", ["3", "[alpaca]", "''"])
def test_types_are_names_or_mappings(type_: str) -> None:
    message = refused(f"datasets:\n- path: a\n  type: {type_}\n")
    assert message.startswith("config.yaml:3: datasets[0].type: expected the name of a type, such as chat_template")


@pytest.mark.parametrize("written", ["-0.1", "2.5", ".inf", ".nan", "true", '"0.05"', "5%", "[1]"])
def test_other_val_set_sizes_are_refused(written: str) -> None:
    assert "config.yaml:4: val_set_size: expected a share below 1" in refused(f"{ROWS}val_set_size: {written}\n")


@given(
    st.text(st.one_of(st.sampled_from("{}[]:,-?&*!|>'\"#%@`<= \n\tabdst01."), st.characters()), max_size=60),
    st.booleans(),
)
def test_any_text_gives_a_config_or_a_clear_error(text: str, after_rows: bool) -> None:
    try:
        parse_config(ROWS + text if after_rows else text, name="config.yaml")
    except DataError as error:
        assert str(error).startswith("config.yaml:")  # noqa: PT017  # both ways are right


@given(st.lists(st.sampled_from(sorted(CONFIG_TABLE.ignored)), unique=True), st.integers(0, 5))
def test_the_line_is_right_wherever_the_mistake_is(keys: list[str], blank: int) -> None:
    before = "".join(f"{key}: {{a: [1,\n 2]}}\n" for key in keys) + "\n" * blank
    message = refused(before + ROWS + "seed: x\n")
    assert message.startswith(f"config.yaml:{before.count(chr(10)) + 4}: seed: ")
