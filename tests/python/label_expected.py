"""The expected labels: weights of messages, then of characters, then of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod
from operator import itemgetter
from typing import Any

from chatmill import Encoding
from chatmill.labels import KINDS
from hypothesis import strategies as st
from label_rows import FLAGS, STOPS, Messages
from trained_spans import GENERATED, MASKED

BY_DEFAULT = GENERATED | {"tool_result"}
DOUBTS = {"value_dropped", "other_role", "header_mismatch", "merged", "unanchored"}
Policy = dict[str, Any]

ALIASES = {"assistant": "model", "user": "human", "system": "developer", "tool": "function"}
ROLES = st.one_of(st.just("all"), st.lists(st.sampled_from([*ALIASES, *ALIASES.values()]), max_size=3))
CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "roles": ROLES,
    "turns": st.one_of(st.sampled_from(["all", "last"]), st.integers(1, 3)),
    "kinds": st.lists(st.sampled_from(KINDS), unique=True, min_size=1),
    "stop": st.sampled_from(["turn", "all", "last", "none"]),
    "borrow_stop": st.booleans(),
    "train_on_inputs": st.booleans(),
    "flags": st.sampled_from([[], ["train"], list(FLAGS)]),
    "unproved": st.sampled_from(["reject", "mask"]),
}
POLICIES = st.fixed_dictionaries({}, optional=CHOICES)
OF_KINDS = st.dictionaries(st.sampled_from(KINDS), st.sampled_from([0, 0.25, 1, 2]))


def message_weights(messages: Messages, policy: Policy) -> list[float]:
    """The weight of each message: from its role and place, or from its own flags."""
    roles = "all" if policy.get("train_on_inputs") else policy.get("roles", ["assistant"])
    meant = {role for role in ALIASES if roles == "all" or role in roles or ALIASES[role] in roles}
    of_roles = [index for index, message in enumerate(messages) if message["role"] in meant]
    turns = policy.get("turns", "all")
    chosen = of_roles if turns == "all" else of_roles[-1:] if turns == "last" else of_roles[:turns]
    weights = []
    for index, message in enumerate(messages):
        own = [float(message[flag]) for flag in policy.get("flags", FLAGS) if message.get(flag) is not None]
        weights.append(prod(own) if own else float(index in chosen))
    return weights


def character_weights(encoding: Encoding, policy: Policy, weights: Sequence[float]) -> list[float]:
    """The weight of each character of the text."""
    kinds = policy.get("kinds", BY_DEFAULT)
    of_kind: dict[str, float] = {kind: float(policy.get("weights", {}).get(kind, kind in kinds)) for kind in KINDS}
    everybody = policy.get("train_on_inputs") or policy.get("roles") == "all"
    stop = policy.get("stop", "turn")
    last = max(trained_turns(weights), default=None)
    out: list[float] = []
    for region in encoding.regions:
        if region.message is None:
            weight = float(everybody)
        else:
            weight = weights[region.message]
            if region.kind == "closer" and (stop == "none" or (stop == "last" and region.message != last)):
                weight = 0.0
            elif region.kind == "closer" and stop == "all":
                weight = weight or 1.0
        out += [weight * of_kind[region.kind]] * (region.end - region.start)
    if policy.get("borrow_stop", True) and stop != "none":
        turns = trained_turns(weights)
        for start, edge, end in stops_of_next_turns(encoding, turns[-1:] if stop == "last" else turns):
            # Trained white space before it keeps its weight.
            out[start:edge] = [weight or of_kind["closer"] for weight in out[start:edge]]
            out[edge:end] = [of_kind["closer"] or weight for weight in out[edge:end]]
    return out


def trained_turns(weights: Sequence[float]) -> list[int]:
    return [index for index, weight in enumerate(weights) if weight]


def stops_of_next_turns(encoding: Encoding, turns: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Stop tokens after answers without one: the start of the white space before the token, its start and its end."""
    regions = encoding.regions
    for turn in turns:
        own = [region for region in regions if region.message == turn]
        if not own or own[0].role != "assistant" or any(region.kind == "closer" for region in own):
            continue
        edge = own[-1].end
        for token in STOPS:
            if encoding.text.startswith(token, edge):
                yield own[-1].start if own[-1].kind == "trailing" else edge, edge, edge + len(token)


def expected(encoding: Encoding, messages: Messages, policy: Policy) -> list[list[float]]:
    """The possible weights of the characters: one list, unless notes report turns that are not proved or not printed.

    A note does not name these turns. They are not trained.
    """
    weights = message_weights(messages, policy)
    answers = [index for index in trained_turns(weights) if messages[index]["role"] == "assistant"]
    doubtful = (
        [[]]
        if not DOUBTS & set(encoding.notes)
        else [list(turns) for count in range(1, len(answers) + 1) for turns in combinations(answers, count)]
    )
    kept = ([0.0 if index in turns else weight for index, weight in enumerate(weights)] for turns in doubtful)
    return [character_weights(encoding, policy, its) for its in kept]


def by_token(encoding: Encoding, characters: Sequence[float], boundary: str = "overlap") -> list[float]:
    """The weight of each token for these weights of characters. Tokens that share a character have the same weight."""
    rules: dict[str, Callable[[Sequence[float]], float]]
    rules = {"overlap": max, "split": max, "contained": min, "first": itemgetter(0)}
    choose = rules[boundary]
    tokens, out, first = encoding.tokens, [], 0
    for index, token in enumerate(tokens, start=1):
        if index == len(tokens) or tokens[index].start >= token.end:
            out += [choose(characters[tokens[first].start : token.end])] * (index - first)
            first = index
    return out


def trained_characters(encoding: Encoding) -> list[bool]:
    """The characters of trained tokens."""
    trained = [False] * len(encoding.text)
    for token in encoding.tokens:
        if token.label != MASKED:
            trained[token.start : token.end] = [True] * (token.end - token.start)
    return trained


def check_labels(encoding: Encoding, weights: Sequence[float]) -> None:
    """Check that each token has a label: its id, or -100."""
    ids = encoding.input_ids
    assert encoding.labels == [token if weight else MASKED for token, weight in zip(ids, weights, strict=True)]
    assert [(token.id, token.label) for token in encoding.tokens] == list(zip(ids, encoding.labels, strict=True))


def check_any(encoding: Encoding, messages: Messages, policy: Policy) -> None:
    """Check that the labels are those of the policy."""
    trained = [label != MASKED for label in encoding.labels]
    answers = [
        by_token(encoding, its, policy.get("boundary", "overlap")) for its in expected(encoding, messages, policy)
    ]
    fitting = [weights for weights in answers if [weight > 0 for weight in weights] == trained]
    assert fitting, (encoding.text, trained_characters(encoding), encoding.notes)
    check_labels(encoding, fitting[0])
