//! Provenance is correct for random templates and texts: the bytes of a copy are those at its address.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::cell::Cell;
use std::ops::Range;

use chatjinja::{Input, Provenance, TraceKind};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use support::Variables;

/// Expressions that build texts from the message `m` and the variable `x`.
const TEXTS: [&str; 26] = [
    "m.content",
    "x",
    "m.content|trim",
    "m.content[1:]",
    "m.content[:-1]",
    "m.content[::2]",
    "(m.content ~ x)",
    "('<' + m.content + '>')",
    "(x * 2)",
    "m.content|upper",
    "m.content.replace('a', 'bb')",
    "m.content.replace('', '-')",
    "m.content.split()|join('+')",
    "m.content.rsplit(' ', 1)|last",
    "m.content.strip('ab ')",
    "m.content|tojson",
    "[m.content, x, 1]",
    "{x: m.content}",
    "('%s/%5.2s|' % (m.content, x))",
    "('{0:>6}{1!r}'.format(m.content, x))",
    "(m.content|center(9))",
    "(m.content|indent(2, true))",
    "(m.content|e)",
    "(m.content|list|reverse|join)",
    "(m|items|map('join', ':')|join(';'))",
    "(m.content|truncate(4, true, x))",
];

/// Statements that print a text. `TEXT` is replaced by one of the expressions.
const STATEMENTS: [&str; 10] = [
    "{{ TEXT }}",
    "{{ TEXT ~ '.' }}",
    "{{ TEXT + x if TEXT is string else TEXT }}",
    "{% set t = TEXT %}{{ t }}{{ t }}",
    "{% set t %}({{ TEXT }}){% endset %}{{ t|trim }}{{ t[1:-1] }}",
    "{% filter trim %} {{ TEXT }} {% endfilter %}",
    "{{ wrap(TEXT) }}",
    "{% for c in TEXT %}{{ c }}{% endfor %}",
    "{% generation %}{{ TEXT }}{% endgeneration %}",
    "{% set ns.t = ns.t + TEXT|string %}",
];

fn source() -> impl Strategy<Value = String> {
    let piece = (prop::sample::select(&STATEMENTS[..]), prop::sample::select(&TEXTS[..]));
    prop::collection::vec(piece, 1..5).prop_map(|pieces| {
        let body: String = pieces.iter().map(|(statement, text)| statement.replace("TEXT", text)).collect();
        format!(
            "{{% macro wrap(t) %}}[{{{{ t }}}}]{{% endmacro %}}{{% set ns = namespace(t='') %}}\
             {{% for m in messages %}}{body}{{% endfor %}}{{{{ ns.t }}}}"
        )
    })
}

/// A text without escapes in JSON, so that it is borrowed from there.
fn text() -> impl Strategy<Value = String> {
    "[abAB é中<&' -]{0,12}"
}

#[test]
fn copies_have_the_bytes_of_their_address() {
    // Without a text there is nothing to check, and without tags no span of them.
    let (printed, tagged) = (Cell::new(0), Cell::new(0));
    let check = |(source, contents, x): (String, Vec<String>, String)| -> TestCaseResult {
        let messages: Vec<String> = contents.iter().map(|content| format!(r#"{{"content":"{content}"}}"#)).collect();
        let json = format!(r#"{{"messages":[{}],"x":"{x}"}}"#, messages.join(","));
        let variables = Variables::parse(&json);
        let template = support::template(&source);
        let Ok(traced) = template.trace(variables.input()) else {
            prop_assert!(template.render(variables.input()).is_err());
            return Ok(());
        };
        printed.set(printed.get() + 1);
        let text = traced.rendered.text.as_str();
        prop_assert_eq!(&template.render(variables.input()).unwrap(), &traced.rendered);
        let memory = json.as_ptr() as usize..json.as_ptr() as usize + json.len();
        for span in &traced.spans {
            let printed = text.get(span.range());
            prop_assert!(printed.is_some(), "{source}: {span:?} is no part of {text:?}");
            match span.provenance {
                Provenance::Copied(address) => {
                    prop_assert!(memory.contains(&address), "{source}: {span:?}");
                    let at = address - memory.start;
                    prop_assert_eq!(json.get(at..at + span.range().len()), printed, "{}", &source);
                }
                Provenance::Derived(address) => prop_assert!(memory.contains(&address), "{source}: {span:?}"),
                Provenance::Within(record) => prop_assert!((record as usize) < contents.len()),
                Provenance::Generation => {}
                Provenance::Template => prop_assert!(false, "{source}: {span:?} was not asked for"),
            }
        }
        let tracked = template.trace(Input { tracks_template: true, ..variables.input() }).unwrap();
        prop_assert_eq!((&tracked.rendered, &tracked.events), (&traced.rendered, &traced.events));
        // A byte is text of the template, or depends on the input, but not both.
        for span in &tracked.spans {
            if let Provenance::Copied(_) | Provenance::Derived(_) = span.provenance {
                let overlaps = |range: &Range<usize>| range.start < span.end && span.start < range.end;
                prop_assert!(!tracked.written.iter().any(overlaps), "{source}: {span:?}");
            }
        }
        let mut position = 0;
        for event in &traced.events {
            prop_assert!(position <= event.position && event.position <= text.len());
            position = event.position;
            if let TraceKind::Iter(record) | TraceKind::Read(record) = event.kind {
                prop_assert!((record as usize) < contents.len());
            }
        }
        let tags = template.source().matches("{% generation %}").count();
        if tags > 0 && !traced.rendered.generation_lost {
            tagged.set(tagged.get() + 1);
            prop_assert_eq!(traced.rendered.generation.len(), tags * contents.len());
        }
        Ok(())
    };
    let cases = (source(), prop::collection::vec(text(), 1..4), text());
    TestRunner::new(ProptestConfig { cases: 2000, ..ProptestConfig::default() }).run(&cases, check).unwrap();
    assert!(printed.get() >= 1500 && tagged.get() >= 200, "{} printed, {} tagged", printed.get(), tagged.get());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_of_a_printed_value_has_its_place(contents in prop::collection::vec(text(), 1..5)) {
        let messages: Vec<String> = contents.iter().map(|content| format!(r#"{{"content":"{content}"}}"#)).collect();
        let json = format!(r#"{{"messages":[{}]}}"#, messages.join(","));
        let variables = Variables::parse(&json);
        let template = support::template("{% for m in messages %}<{{ m.content }}>{% endfor %}");
        let traced = template.trace(variables.input()).unwrap();
        let copied: Vec<&str> = traced.spans.iter().map(|span| &traced.rendered.text[span.range()]).collect();
        let expected: Vec<&str> = contents.iter().map(String::as_str).filter(|content| !content.is_empty()).collect();
        prop_assert_eq!(copied, expected);
    }
}
