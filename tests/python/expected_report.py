"""The numbers of a report, from counted rows and counted samples: with plain formulas, in the form of its JSON."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from counted_rows import CountedRows
from counted_samples import CountedSamples

PACKS = (2048, 4096, 8192, 16384, 32768)
BATCH = 8


def expected_totals(rows: CountedRows, samples: CountedSamples) -> dict[str, Any]:
    """The totals of a report."""
    files = rows.files.values()
    rows_in, rejected = sum(it.rows_in for it in files), sum(it.rejected for it in files)
    return {
        "rows_in": rows_in,
        "rows_out": rows_in - rejected,
        "rejected": rejected,
        "samples": samples.samples,
        "tokens": samples.tokens,
        "trained_tokens": samples.trained_tokens,
        "untrained": samples.trained_shares[0],
        "bytes": sum(it.bytes for it in files),
        "text_tokens": sum(it.text_tokens for it in files),
        "truncated": rows.truncated,
        "cut_tokens": rows.cut_tokens,
        "cut_trained_tokens": rows.cut_trained,
        "assistant_turns": rows.assistant_turns,
        "trained_turns": rows.trained_turns,
        "duplicates": samples.duplicates,
        "are_duplicates_exact": True,
        "begins_with_bos": samples.begins_with_bos,
    }


def expected_sequences(rows: CountedRows) -> dict[str, int]:
    """All sequences before any cut."""
    return {
        "number": sum(rows.lengths.values()),
        "tokens": sum(length * count for length, count in rows.lengths.items()),
        "trained_tokens": sum(rows.trained_places.values()),
    }


def expected_limits(rows: CountedRows) -> list[dict[str, int]]:
    """What each `max_length` would cut: four limits for each power of two from 128, up to one that cuts nothing."""
    longest, found = max(rows.lengths), []
    limits = [quarter << power for power in range(5, 19) for quarter in range(4, 8)]
    for limit in limits:
        longer = {length: count for length, count in rows.lengths.items() if length > limit}
        found.append(
            {
                "max_length": limit,
                "cut": sum(longer.values()),
                "lost_tokens": sum((length - limit) * count for length, count in longer.items()),
                "lost_trained_tokens": sum(count for place, count in rows.trained_places.items() if place >= limit),
            }
        )
        if limit >= longest:
            break
    return found


def expected_regions(rows: CountedRows) -> dict[str, Any] | None:
    """The tokens by role, kind and turn; None if no row has messages."""
    if not rows.messages:
        return None
    shares = [
        {"role": role, "kind": kind, "tokens": tokens, "trained_tokens": trained}
        for (role, kind), (tokens, trained) in rows.regions.items()
    ]
    return {
        "rows": rows.region_rows,
        "of": sum(it.rows_in - it.rejected for it in rows.files.values()),
        "shares": sorted(shares, key=lambda it: (-it["tokens"], it["role"], it["kind"])),
        "turns": [
            {"index": index, "and_later": index == 15, "turns": it.turns, "tokens": it.tokens,
             "trained_tokens": it.trained}
            for index, it in sorted(rows.turns.items())
        ],
        "stops": {name: rows.stops[name] for name in ("trained", "masked", "cut", "missing")},
        "reasoning_given": rows.reasoning_given,
        "reasoning_printed": rows.reasoning_printed,
    }  # fmt: skip


def best_fit_decreasing(lengths: Sequence[int], size: int) -> int:
    """The number of packs, if each length in descending order goes into the fullest pack in which it fits."""
    rooms: list[int] = []
    packs = 0
    for length in sorted(lengths, reverse=True):
        place = bisect_left(rooms, length)
        if place < len(rooms):
            room = rooms.pop(place)
        else:
            room, packs = size, packs + 1
        insort(rooms, room - length)
    return packs


def expected_packing(samples: CountedSamples) -> list[dict[str, Any]]:
    """What packs of each length give."""
    found = []
    for size in PACKS:
        fitting = [length for length, count in samples.lengths.items() for _ in range(count) if 0 < length <= size]
        packs = best_fit_decreasing(fitting, size)
        found.append(
            {
                "max_length": size,
                "packs": packs,
                "efficiency": sum(fitting) / (packs * size) if packs else 0.0,
                "too_long": samples.samples - len(fitting) - samples.lengths.get(0, 0),
                "batch_efficiency": sum(fitting) / len(fitting) / expected_longest(fitting) if fitting else 0.0,
            }
        )
    return found


def expected_longest(lengths: Sequence[int]) -> float:
    """The mean of the longest of a batch: the sum of the probabilities that it is longer than 0, 1, 2, …"""
    counts, below, mean = Counter(lengths), 0, 0.0
    for length in range(max(lengths)):
        below += counts[length]
        mean += 1 - (below / len(lengths)) ** BATCH
    return mean


def expected_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """The named figures, from the other numbers of the JSON."""
    totals, notes, regions = report["totals"], report["notes"], report["regions"]
    lengths: list[int] = [length for length, count in report["lengths"] for _ in range(count)]
    statuses = [it["status"] for it in report["findings"]]

    def length_of(percent: int) -> int:
        return lengths[-(-percent * len(lengths) // 100) - 1]

    def share(part: str, whole: str) -> float:
        return totals[part] / totals[whole] if totals[whole] else 0.0

    def lost(*names: str) -> int:
        return sum(split[name] for split in report["packs"] for name in names)

    stops = None if regions is None or (regions["of"] and not regions["rows"]) else regions["stops"]
    reasoning = {} if regions is None else regions
    given = reasoning.get("reasoning_given")
    same = ("rows_in", "rows_out", "rejected", "samples", "duplicates", "tokens", "trained_tokens", "untrained",
            "bytes", "text_tokens", "assistant_turns", "trained_turns", "begins_with_bos")  # fmt: skip
    return {
        **{name: totals[name] for name in same},
        "findings": len(statuses),
        "findings_bad": statuses.count("bad"),
        "findings_look": statuses.count("look"),
        "sources": len(report["sources"]),
        "trained_share": share("trained_tokens", "tokens"),
        "fully_trained": report["trained_shares"][-1],
        "tokens_per_byte": share("text_tokens", "bytes"),
        **{f"length_{percent}": length_of(percent) for percent in (50, 90, 95, 99)},
        "length_max": lengths[-1],
        "truncated": totals["truncated"] + lost("cut_rows", "dropped_rows"),
        "truncated_tokens": totals["cut_tokens"] + lost("cut_tokens", "dropped_tokens"),
        "truncated_trained_tokens": totals["cut_trained_tokens"] + lost("lost_trained_tokens"),
        "uncut_tokens": totals["tokens"] + totals["cut_tokens"],
        "uncut_trained_tokens": totals["trained_tokens"] + totals["cut_trained_tokens"],
        "untrained_turns": totals["assistant_turns"] - totals["trained_turns"],
        "stops": None if stops is None else sum(stops.values()),
        "stop_trained": None if stops is None else stops["trained"],
        "stop_untrained": None if stops is None else stops["masked"],
        "stop_cut": None if stops is None else stops["cut"],
        "stop_missing": None if stops is None else stops["missing"],
        "reasoning_given": given,
        "reasoning_dropped": None if given is None else given - reasoning["reasoning_printed"],
        "doubled_bos": notes.get("doubled_bos", 0),
        "control_text": notes.get("control_text", 0),
        "empty_answers": notes.get("empty_answer", 0),
    }
