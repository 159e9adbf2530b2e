//! Random rows, values that look like template text, and deep templates: each row becomes tokens or an error, without a
//! panic, a lost row or an effect on other rows.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use chatmill::attribution::Attributor;
use chatmill::batch::Mill;
use chatmill::data::{Fields, Node, RowLayout, field};
use chatmill::encode::{LabelChoice, OnError, Options, SpecialTokens, Split, Truncation};
use chatmill::label::Labels;
use chatmill::rows::{Conversation, TemplateVariables};
use chatmill::template::{self, ChatTemplate, Request};
use chatmill::tokenizer::{EngineChoice, Tokenizer};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseResult, TestRunner};

static MILLS: LazyLock<Vec<Mill>> = LazyLock::new(|| {
    let definition = include_str!("data/byte_tokenizer.json");
    let tokenizer = Arc::new(Tokenizer::new("bytes", definition, &[], EngineChoice::Auto).unwrap());
    let mill = |name: &str, options: Options| {
        let template = Arc::new(template::named(name, &[]).unwrap());
        let options = Options { on_error: OnError::Null, threads: Some(2), ..options };
        Mill::new(Arc::clone(&tokenizer), Some(template), options).unwrap()
    };
    let labels = |json: &str| Options { labels: LabelChoice::from_json(json).unwrap(), ..Options::default() };
    vec![
        mill("chatml", Options::default()),
        mill("qwen2.5", Options { labels: Labels::everything().into(), ..Options::default() }),
        mill("mistral", Options { labels: Labels::nothing().into(), ..Options::default() }),
        mill("qwen3", Options { special_tokens: SpecialTokens::Text, ..labels(r#"{"weighted": true}"#) }),
        mill(
            "llama3.1",
            Options {
                truncation: Truncation::Turns,
                max_length: Some(400),
                ..labels(r#"{"roles": "all", "unproved": "mask", "boundary": "split", "tags": false}"#)
            },
        ),
        mill("qwen3", labels(r#"{"emulate": "axolotl"}"#)),
        mill("chatml", labels(r#"{"emulate": "hf"}"#)),
        mill("gpt-oss", labels(r#"{"emulate": "unsloth"}"#)),
        mill("qwen3", labels(r#"{"emulate": "open-instruct"}"#)),
        mill("gemma", labels(r#"{"like": "completion"}"#)),
        mill("deepseek-r1", Options { split: Some(Split::PerTurn), ..Options::default() }),
    ]
});

/// JSON of any shape, often the shape of messages.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| format!("{value:?}")),
        "(\\PC|<think>|\u{fdd0}|\\\\n){0,6}".prop_map(|text| format!("{text:?}")),
        Just("\"\\ud83d\"".to_owned()),
        Just("[{\"role\": \"user\", \"content\": \"x\"}]".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop::sample::select(vec![
            "messages",
            "conversations",
            "role",
            "content",
            "tools",
            "documents",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "from",
            "value",
            "text",
            "reasoning",
            "chat_template_kwargs",
            "id",
            "train",
            "weight",
            "train_detail",
            "begin_offset",
            "end_offset",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

fn row() -> impl Strategy<Value = Vec<u8>> {
    let message = (prop::sample::select(vec!["system", "user", "assistant", "tool"]), value(), value()).prop_map(
        |(role, content, calls)| format!("{{\"role\":\"{role}\",\"content\":{content},\"tool_calls\":{calls}}}"),
    );
    let conversation = (prop::collection::vec(message, 0..5), value())
        .prop_map(|(messages, tools)| format!("{{\"messages\":[{}],\"tools\":{tools}}}", messages.join(",")));
    prop_oneof![
        conversation.prop_map(String::into_bytes),
        value().prop_map(String::into_bytes),
        value().prop_map(|text| text.into_bytes().into_iter().rev().collect()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_accounted_for(rows in prop::collection::vec(row(), 0..40)) {
        let good = br#"{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}"#.to_vec();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).chain([good.as_slice()]).collect();
        let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&rows));
        let batch = RecordBatch::try_from_iter([("json", column)]).unwrap();
        for mill in MILLS.iter() {
            let out = mill.batch(&batch, 0, RowLayout::Json("json"), &mut || false).unwrap();
            let ids = out.batch.column_by_name("input_ids").unwrap();
            prop_assert_eq!(ids.null_count(), out.counts.failures.len());
            let of_sample: Vec<usize> = match out.batch.column_by_name("row") {
                Some(numbers) => numbers.as_primitive::<Int64Type>().values().iter().map(|row| *row as usize).collect(),
                None => (0..out.batch.num_rows()).collect(),
            };
            let mut accounted = of_sample.clone();
            accounted.dedup();
            prop_assert_eq!(accounted, (0..rows.len()).collect::<Vec<_>>());
            prop_assert!(!ids.is_null(of_sample.len() - 1));
            for failure in &out.counts.failures {
                prop_assert!(ids.is_null(of_sample.iter().position(|row| Some(*row) == failure.row).unwrap()));
                prop_assert_ne!(failure.kind.code(), "internal", "{}", failure);
            }
        }
    }
}

/// The templates of the shared cases and the named ones, all without their tags, so that labels need regions.
static UNTAGGED: LazyLock<Vec<Attributor>> = LazyLock::new(|| {
    let tokens = [("bos_token".into(), "<s>".into()), ("eos_token".into(), "</s>".into())];
    let mut sources: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read(path).unwrap();
            let Ok(Node::Map(case)) = Node::parse_json(&text) else { panic!("no case") };
            sources.push(field(&case, "template").and_then(Node::as_str).unwrap().to_owned());
        }
    }
    sources.extend(template::names().map(|name| template::named(name, &[]).unwrap().source().to_owned()));
    let untagged = |source: &String| {
        // For these templates, `if true` trims and scopes like the tag.
        let source = source.replace(" endgeneration ", " endif ").replace(" generation ", " if true ");
        ChatTemplate::new("untagged", &source, &tokens).ok().map(|template| Attributor::new(Arc::new(template)))
    };
    sources.iter().filter_map(untagged).collect()
});

/// Contents that look like the text of templates: headers, closers and think tags.
fn lookalike() -> impl Strategy<Value = String> {
    let pieces = vec![
        "</s>",
        "<s>",
        "<|im_end|>",
        "<|im_start|>",
        "<|im_start|>assistant\n",
        "user",
        "\n",
        " ",
        "<think>",
        "</think>",
        "[INST]",
        "[/INST]",
        "[U]",
        "[A]",
        "<",
        "x",
        "é",
        "<end_of_turn>\n",
        "<|eot_id|>",
        "U:",
        "A:",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..4).prop_map(|pieces| pieces.concat())
}

/// Checks regions and trained spans of a conversation under every template. Returns how many templates gave regions.
fn check_regions(turns: &[(&'static str, String)]) -> Result<usize, TestCaseError> {
    let message = |(role, content): &(&'static str, String)| -> Node<'static> {
        let fields: Fields<'static> =
            vec![("role".into(), Node::Str((*role).into())), ("content".into(), Node::Str(content.clone().into()))];
        Node::Map(fields)
    };
    let conversation = Conversation::new(Node::List(turns.iter().map(message).collect())).unwrap();
    let none = TemplateVariables::default();
    let mut found = 0;
    for attributor in UNTAGGED.iter() {
        // A template may refuse the conversation. If it prints it, the regions must cover the text.
        let Ok((text, attributed)) = attributor.regions(Request::of(&conversation, &none)) else { continue };
        let attributed = attributed.map_err(|error| TestCaseError::fail(format!("{error}: {text:?}")))?;
        attributed.regions.check(&text).unwrap();
        found += 1;
        let Ok(trained) = Labels::default().select(&conversation, &text, &attributed, &[], None) else { continue };
        let mut end = 0;
        for span in trained.spans {
            prop_assert!(text.is_char_boundary(span.range.start) && text.is_char_boundary(span.range.end));
            prop_assert!(end <= span.range.start && span.range.start < span.range.end);
            end = span.range.end;
        }
    }
    Ok(found)
}

#[test]
fn values_that_look_like_the_template_break_nothing() {
    let plain = [("user", "Hi".to_owned()), ("assistant", "Hello".to_owned())];
    assert_eq!(UNTAGGED.len(), 96);
    // The other templates reject the conversation or print it without its words.
    let printed = check_regions(&plain).unwrap();
    assert!(printed * 10 >= 96 * 9, "{printed} of 96");
    let roles = prop::sample::select(vec!["system", "user", "assistant"]);
    let turns = prop::collection::vec((roles, lookalike()), 1..6);
    let check = |turns: Vec<(&'static str, String)>| -> TestCaseResult { check_regions(&turns).map(|_| ()) };
    TestRunner::default().run(&turns, check).unwrap();
    // Without a text there is nothing to check. These are the same conversations each time.
    let mut runner = TestRunner::deterministic();
    let found: usize = (0..50).map(|_| check_regions(&turns.new_tree(&mut runner).unwrap().current()).unwrap()).sum();
    assert!(found * 3 > 50 * 96, "only {found} of {} rows are rendered", 50 * 96);
}

/// Templates at the depth limit and beyond give a text or an error on a thread with a small stack.
#[test]
fn deep_templates_do_not_overflow_the_stack() {
    let sources: Vec<String> = [500, 501, 20_000, 400_000]
        .into_iter()
        .flat_map(|depth| {
            [
                format!("{{{{ 'x'{} }}}}", "|e".repeat(depth)),
                format!("{{{{ {}x }}}}", "not ".repeat(depth)),
                format!("{{{{ {}1 }}}}", "- ".repeat(depth)),
                format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth)),
                format!("{{{{ {}1{} }}}}", "[".repeat(depth), "]".repeat(depth)),
                format!("{{{{ {}1 }}}}", "1 if x else ".repeat(depth)),
                format!("{{{{ x{} }}}}", ".y".repeat(depth)),
                format!("{{{{ 1{} }}}}", " * 1".repeat(depth)),
                format!("{{{{ 1{} }}}}", " < 1".repeat(depth)),
                format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(depth)),
                format!("{}x{}", "{% if true %}".repeat(depth), "{% endif %}".repeat(depth)),
                format!("{}x{}", "{% for i in [1] %}".repeat(depth), "{% endfor %}".repeat(depth)),
                format!("{}x{}", "{% set a %}".repeat(depth), "{% endset %}".repeat(depth)),
            ]
        })
        .collect();
    let work = move || {
        let messages = Node::parse_json(br#"[{"role": "user", "content": "x"}]"#).unwrap();
        let conversation = Conversation::new(messages).unwrap();
        let none = TemplateVariables::default();
        let (mut rendered, mut failed, mut refused) = (0, 0, 0);
        for source in sources {
            match ChatTemplate::new("deep", &source, &[]) {
                Ok(template) if template.text(Request::of(&conversation, &none)).is_ok() => rendered += 1,
                Ok(_) => failed += 1,
                Err(_) => refused += 1,
            }
        }
        assert_eq!((rendered, failed, refused), (6, 1, 45));
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}
