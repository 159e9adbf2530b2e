"""`full_report` and `AUDIT`: values in each field, with hostile texts, for tests of their views."""

from __future__ import annotations

from dataclasses import replace

from chatmill.drawing.row import DrawnRegion, DrawnRow, DrawnSpan
from chatmill.reporting.audit_model import (
    Audit,
    AuditedFailure,
    AuditedRegion,
    AuditedRow,
    AuditedSide,
    AuditedSpan,
    TrainedTokens,
)
from chatmill.reporting.model import (
    LengthLimit,
    PackedSplit,
    Packing,
    Regions,
    RejectReason,
    Report,
    ReportFinding,
    ReportSample,
    Run,
    Sequences,
    Source,
    Stops,
    TokenCount,
    TokenShare,
    Totals,
    Turn,
)

#: Texts that try to be more than text: in HTML, in attributes, in scripts, in a terminal, in JSON.
HOSTILE = {
    "script": "<script>document.title = 'hostile'</script>",
    "end of script": "</script></style></textarea><!-- --><![CDATA[ ]]>",
    "image": "<img src=https://hostile.test/x.png onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'y\' `z`',
    "entity": "&lt;b&gt; &amp;amp; &#x202e; &nbsp",
    "link": "<a href='javascript:alert(1)'>click</a>",
    "bidi": "user\u202enimda\u2066\u2069",
    "zero width": "in\u200bvis\u2060ible\ufeff",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "nul": "before\x00after",
    "surrogate": "half \ud800 and \udcff",
    "style": "}</style> * { display: none }",
}
ALL_HOSTILE = "\n".join(HOSTILE.values())


def span(text: str, weight: float | None, *, size: int = 4, first_id: int = 100) -> DrawnSpan:
    """A span with a token for each few characters; without tokens if it has no weight."""
    if weight is None:
        return DrawnSpan(text, None)
    ends = [*range(size, len(text), size), *([len(text)] if text else [])]
    return DrawnSpan(text, weight, tuple(range(first_id, first_id + len(ends))), tuple(ends))


def row_of(*regions: DrawnRegion, notes: tuple[str, ...] = ()) -> DrawnRow:
    """A row with the counts of its spans."""
    spans = [it for region in regions for it in region.spans]
    tokens = sum(len(it.ids) for it in spans)
    return DrawnRow(regions, tokens, sum(len(it.ids) for it in spans if it.weight), notes)


def conversation(question: str, answer: str, *, reasoning: str = "", notes: tuple[str, ...] = ()) -> DrawnRow:
    """A row of two messages, as ChatML has them."""
    begin = [
        DrawnRegion(0, "user", "header", (span("<|im_start|>user\n", 0.0),)),
        DrawnRegion(0, "user", "content", (span(question, 0.0),)),
        DrawnRegion(0, "user", "closer", (span("<|im_end|>\n", 0.0),)),
        DrawnRegion(1, "assistant", "header", (span("<|im_start|>assistant\n", 0.0),)),
    ]
    thought = [DrawnRegion(1, "assistant", "reasoning", (span(reasoning, 0.5),))] if reasoning else []
    end = [
        DrawnRegion(1, "assistant", "content", (span(answer, 1.0),)),
        DrawnRegion(1, "assistant", "closer", (span("<|im_end|>", 1.0), span("\n", 0.0))),
    ]
    return row_of(*begin, *thought, *end, notes=notes)


#: A row with tools, partial characters, a token without text, weights, and a cut end.
AWKWARD = row_of(
    DrawnRegion(None, None, "scaffold", (DrawnSpan("", 0.0, (1,), (0,)), span("<|begin|>", 0.0))),
    DrawnRegion(0, "system", "content", (span("You  are\ta bot. \n\n  Be\u00a0kind.", 0.0),)),
    DrawnRegion(1, "user", "content", (span("שלום, what is 2 + 2?", 0.0),)),
    DrawnRegion(2, "assistant", "reasoning", (span("let me think", 0.25),)),
    DrawnRegion(2, "assistant", "tool_call", (span('{"name": "add", "arguments": {"a": 2}}', 1.0),)),
    DrawnRegion(3, "tool", "tool_result", (span("4", 0.0),)),
    # 😀 is two tokens, whose first one ends in no character of its own.
    DrawnRegion(4, "assistant", "content", (DrawnSpan("It is 4 😀", 1.0, (11, 12, 13), (5, 5, 9)),)),
    DrawnRegion(4, "assistant", "closer", (span("<|eot|>", None),)),
    notes=("The row is cut to `max_length`.",),
)


def full_samples() -> tuple[ReportSample, ...]:
    """Samples of each kind, from two files."""
    plain = conversation("What is the capital of France?", "Paris.", reasoning="An easy one.")
    hostile = conversation(ALL_HOSTILE, ALL_HOSTILE, notes=(ALL_HOSTILE,))
    long = conversation("Tell me a story.", "Once upon a time there was a needle in a haystack.\n" * 120)
    whole = row_of(DrawnRegion(None, None, "", (span("A text without known regions.", 1.0),)))
    named = row_of(DrawnRegion(0, ALL_HOSTILE, "content", (span("a role that is hostile", 0.0),)))
    return (
        ReportSample(("random",), "chats.jsonl:1", "chats.jsonl", plain),
        ReportSample(("random", "control_text"), "chats.jsonl:2", "chats.jsonl", hostile),
        ReportSample(("longest",), "chats.jsonl:3", "chats.jsonl", long),
        ReportSample(("least_trained", "truncated"), "more.jsonl:4", "more.jsonl", AWKWARD),
        ReportSample(("most_turns",), "more.jsonl:5", "more.jsonl", whole, answer="chosen"),
        ReportSample(("random",), f"{ALL_HOSTILE}:6", ALL_HOSTILE, named, answer=ALL_HOSTILE),
        ReportSample(
            ("rejected",), "more.jsonl:7", "more.jsonl", None, "", "row_json", "the row is no JSON", '{"messages": ['
        ),
        ReportSample(("rejected",), "more.jsonl:8", "more.jsonl", None, "", "hostile", ALL_HOSTILE, ALL_HOSTILE),
    )


def full_report(name: str = "out/train", *, with_samples: bool = True) -> Report:
    """A report with a value in each field. No two of its counts are equal, where a view could mix them up."""
    return Report(
        run=Run(
            name=name,
            is_output=True,
            chatmill="0.1.0",
            created="2026-11-22T21:00:00Z",
            template="qwen3 " + HOSTILE["script"],
            tokenizer="org/model " + HOSTILE["attribute"],
            engine="fastokens",
            labels="assistant " + HOSTILE["entity"],
            max_length=2048,
            truncation="keep_start",
            layout="parquet",
        ),
        totals=Totals(
            rows_in=10_613,
            rows_out=10_601,
            rejected=12,
            samples=10_607,
            tokens=7_654_321,
            trained_tokens=2_345_678,
            untrained=17,
            bytes=31_415_926,
            text_tokens=8_123_456,
            truncated=431,
            cut_tokens=469_135,
            cut_trained_tokens=123_457,
            assistant_turns=22_229,
            trained_turns=22_111,
            duplicates=53,
            are_duplicates_exact=False,
            begins_with_bos=9_973,
        ),
        lengths={19: 3, 64: 101, 65: 7, 127: 211, 300: 2_003, 511: 3_001, 800: 2_811, 1_500: 2_039, 2_048: 431},
        sequences=Sequences(10_611, 8_123_459, 2_469_137),
        limits=(
            LengthLimit(256, 9_901, 5_500_003, 1_900_007),
            LengthLimit(512, 6_701, 4_200_011, 1_300_021),
            LengthLimit(1_024, 3_203, 2_100_013, 700_027),
            LengthLimit(2_048, 431, 469_135, 123_457),
            LengthLimit(4_096, 29, 31_337, 4_243),
            LengthLimit(8_192, 0, 0, 0),
        ),
        trained_shares=(17, 23, 1_201, 2_203, 4_007, 2_087, 701, 251, 83, 31, 2, 1),
        regions=Regions(
            rows=10_599,
            of=10_601,
            shares=(
                TokenShare("", "scaffold", 21_214, 0),
                TokenShare("system", "content", 303_031, 0),
                TokenShare("user", "content", 4_404_041, 0),
                TokenShare("assistant", "header", 66_687, 0),
                TokenShare("assistant", "reasoning", 505_051, 410_009),
                TokenShare("assistant", "content", 2_009_011, 1_913_017),
                TokenShare("assistant", "closer", 22_651, 22_651),
                TokenShare(HOSTILE["image"], "content", 77, 1),
            ),
            turns=(
                Turn(0, False, 10_589, 1_200_007, 1_100_009),
                Turn(1, False, 7_001, 900_001, 800_011),
                Turn(2, True, 4_639, 503_389, 445_657),
            ),
            stops=Stops(trained=21_017, masked=611, cut=419, missing=73),
            reasoning_given=3_011,
            reasoning_printed=1_009,
        ),
        messages={2: 3_607, 3: 41, 4: 4_999, 6: 1_801, 40: 153},
        role_sequences={"user assistant": 3_607, "system (user assistant)+": 6_841, HOSTILE["link"]: 153},
        tools={0: 10_100, 1: 307, 12: 194},
        first_trained=(TokenCount(151_667, "<think>", 5_003), TokenCount(785, "The", 4_001), TokenCount(220, " ", 9)),
        last_trained=(
            TokenCount(151_645, "<|im_end|>", 10_159),
            TokenCount(198, "\n", 409),
            TokenCount(7, HOSTILE["script"], 39),
            TokenCount(8, HOSTILE["surrogate"], 5),
        ),
        packing=(
            Packing(2_048, 3_803, 0.983, 0, 0.571),
            Packing(4_096, 1_877, 0.996, 0, 0.572),
            Packing(32_768, 235, 0.994, 0, 0.573),
        ),
        sources=(
            Source("chats.jsonl", 0, 9_113, 5, 6_000_001, 2_000_003, 26_000_017, 6_400_033),
            Source("more.jsonl", 1, 1_499, 7, 1_654_313, 345_674, 5_415_901, 1_723_416),
            Source(ALL_HOSTILE, 2, 1, 0, 7, 1, 8, 9),
        ),
        findings=(
            ReportFinding(
                "stop_untrained",
                "bad",
                "611 trained turns do not train their stop token " + HOSTILE["script"],
                rows=607,
                of=10_601,
                place="chats.jsonl:13 " + HOSTILE["image"],
                remedy="Use labels with `train_on_eos`. " + HOSTILE["link"],
            ),
            ReportFinding("truncated", "look", "431 rows are cut", 431, 10_601, "more.jsonl:4", "Raise max_length."),
            ReportFinding("reasoning_dropped", "look", "The template drops reasoning."),
        ),
        rejects=(
            RejectReason("row_json", 7, "more.jsonl:7", "the row is no JSON"),
            RejectReason(HOSTILE["script"], 5, ALL_HOSTILE, ALL_HOSTILE),
        ),
        samples=full_samples() if with_samples else (),
        notes={"truncated": 433, "control_text": 61, "empty_answer": 47, "doubled_bos": 71, HOSTILE["style"]: 67},
        packs=(
            PackedSplit("train", 2_051, 3_797, 7_654_319, 7_787_647, 2_345_677, 10_559, 409, 46_457, 37, 91_193, 9_277),
            PackedSplit(HOSTILE["entity"], 2_051, 31, 60_169, 63_581, 20_177, 83, 5, 2_053, 4, 4_139, 1_013),
        ),
    )


#: An audit with a value in each field, and hostile texts.
AUDIT = Audit(
    output="out/train",
    trainer="trl",
    options={"assistant_only_loss": True, "x": HOSTILE["script"]},
    labels="assistant",
    template="chatml",
    tokenizer="org/model",
    rows=8_887,
    of=9_929,
    differing={"failure": 11, "labels": 523},
    of_output=AuditedSide(8_885, 700_001, 300_007, 13),
    of_trainer=AuditedSide(8_879, 700_211, 310_019, 19),
    trained=TrainedTokens(290_011, 9_991, 20_011),
    regions=(
        AuditedRegion("assistant", "closer", TrainedTokens(1_001, 203, 307)),
        AuditedRegion("", "", TrainedTokens(5_557, 0, 4_441)),
    ),
    failures=(AuditedFailure("trainer", HOSTILE["image"], 6_007, 3_331, "a.jsonl:3 " + ALL_HOSTILE, ALL_HOSTILE),),
    first=(
        AuditedRow(
            4_242,
            "a.jsonl:4243",
            "labels",
            TrainedTokens(91, 92, 93),
            (AuditedSpan(1_234, 5_678, ALL_HOSTILE, "masked", "trained", 3, "assistant", "closer"),),
            more_spans=8_123,
        ),
    ),
    notes=("The trainer packs. " + ALL_HOSTILE,),
)


def other_report(name: str = "out/other") -> Report:
    """A second report, with other figures, without regions, and with fewer of most things."""
    report = full_report(name)
    return replace(
        report,
        run=replace(report.run, is_output=False, max_length=None, created="", template="", layout=""),
        totals=replace(
            report.totals,
            rows_in=815,
            rows_out=815,
            rejected=0,
            samples=821,
            tokens=12_420,
            trained_tokens=4_101,
            truncated=0,
            cut_tokens=0,
            cut_trained_tokens=0,
            duplicates=3,
            are_duplicates_exact=True,
            begins_with_bos=821,
        ),
        lengths={10: 400, 20: 421},
        sequences=Sequences(821, 12_420, 4_101),
        limits=(LengthLimit(16, 421, 1_684, 1_601), LengthLimit(32, 0, 0, 0)),
        trained_shares=(17, 0, 0, 404, 400, 0, 0, 0, 0, 0, 0, 0),
        first_trained=report.first_trained[2:],
        last_trained=report.last_trained[3:],
        regions=None,
        messages={},
        role_sequences={},
        findings=(),
        rejects=(),
        sources=report.sources[:1],
        samples=report.samples[:2],
        notes={},
        packs=(),
    )


def long_samples(number: int, tokens: int) -> tuple[ReportSample, ...]:
    """Many long samples."""
    text = "word " * (tokens // 2)
    row = row_of(
        DrawnRegion(0, "user", "content", (span(text, 0.0, size=5, first_id=100_000),)),
        DrawnRegion(1, "assistant", "content", (span(text, 1.0, size=5, first_id=100_000),)),
    )
    return tuple(ReportSample(("random",), f"long.jsonl:{at}", "long.jsonl", row) for at in range(number))
