//! Provenance and trace events, through the public API.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use chatjinja::{Origin, Provenance, TraceEvent, TraceKind, Traced};
use support::Variables;

/// The trace of a template with variables from JSON. Without escapes, all strings of the input lie in `json`.
fn trace(source: &str, json: &str) -> Traced {
    let variables = Variables::parse(json);
    support::template(source).trace(variables.input()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// A span as its text and, of a copy or a derived text, the text of the input from its address on.
fn shown<'a>(traced: &'a Traced, json: &'a str) -> Vec<(&'a str, Option<&'a str>)> {
    let at = |address: usize| &json[address - json.as_ptr() as usize..];
    let spans = traced.spans.iter().filter(|span| !matches!(span.provenance, Provenance::Within(_)));
    spans
        .map(|span| {
            let text = &traced.rendered.text[span.range()];
            match span.provenance {
                Provenance::Copied(address) | Provenance::Derived(address) => (text, Some(at(address))),
                Provenance::Within(_) | Provenance::Generation | Provenance::Template => (text, None),
            }
        })
        .collect()
}

/// Each template prints one span of the value `"say hello world"`, which begins with the second text in the input.
#[test]
fn copies_keep_their_address_wherever_they_go() {
    let json = r#"{"messages": [], "x": "say hello world"}"#;
    for (source, text, origin) in [
        ("{{ x }}", "say hello world", "say"),
        ("a{{ x[4:9] }}b", "hello", "hello"),
        ("{{ x.split(' ')[1] }}", "hello", "hello"),
        ("{{ ('  ' ~ x)|trim }}", "say hello world", "say"),
        ("{% set y = 'a' + x + 'b' %}{{ y }}", "say hello world", "say"),
        ("{% set y %}<{{ x }}>{% endset %}{{ y[5:10] }}", "hello", "hello"),
        ("{% macro m(t) %}({{ t }}){% endmacro %}{{ m(x) }}", "say hello world", "say"),
        ("{% for c in x %}{{ c }}{% endfor %}", "say hello world", "say"),
        ("{{ ['a', x]|join('-') }}", "say hello world", "say"),
        ("{{ x.partition('hello')[2] }}", " world", " world"),
        ("{{ '%s!' % x }}", "say hello world", "say"),
        ("{{ '{}!'.format(x) }}", "say hello world", "say"),
        ("{{ [x] }}", "say hello world", "say"),
        ("{{ {'a': x}|tojson }}", "say hello world", "say"),
    ] {
        let traced = trace(source, json);
        let shown = shown(&traced, json);
        assert_eq!(shown.len(), 1, "{source}: {shown:?}");
        assert_eq!(shown[0].0, text, "{source}");
        assert!(shown[0].1.unwrap().starts_with(origin), "{source}: {shown:?}");
        assert!(traced.spans.iter().any(|span| matches!(span.provenance, Provenance::Copied(_))), "{source}");
    }
}

#[test]
fn changed_texts_keep_the_address_of_their_value() {
    let json = r#"{"x": "say \"hello\"", "y": "hello"}"#;
    for source in ["{{ y|upper }}", "{{ y[::-1] }}", "{{ y.title() }}", "{{ (y ~ '')|urlencode }}"] {
        let traced = trace(source, json);
        let [span] = traced.spans.as_slice() else { panic!("{source}: {:?}", traced.spans) };
        assert!(matches!(span.provenance, Provenance::Derived(_)), "{source}");
        assert_eq!(traced.rendered.text[span.range()].len(), 5, "{source}");
        assert!(shown(&traced, json)[0].1.unwrap().starts_with("hello"), "{source}");
    }
    // JSON escapes the quotes, so the text is no copy.
    let traced = trace("{{ x|tojson }}", json);
    assert!(matches!(traced.spans[0].provenance, Provenance::Derived(_)));
    // A replaced part splits the copy in two.
    let traced = trace("{{ y.replace('l', 'L', 1) }}", json);
    let texts: Vec<&str> = traced.spans.iter().map(|span| &traced.rendered.text[span.range()]).collect();
    assert_eq!((traced.rendered.text.as_str(), texts), ("heLlo", vec!["he", "lo"]));
}

#[test]
fn text_of_the_template_has_no_provenance() {
    let traced = trace("a{{ 'b' ~ 1 }}{{ none }}{{ n + 1 }}", r#"{"n": 2}"#);
    assert_eq!((traced.rendered.text.as_str(), traced.spans.len()), ("ab1None3", 0));
}

#[test]
fn events_say_when_the_template_came_to_each_record() {
    let json = r#"{"messages": [{"role": "u", "content": "Hi"}, {"role": "a", "content": "Yo"}]}"#;
    let traced = trace("A{% for m in messages %}<{{ m.role }}>{{ m['content'] }}{% endfor %}Z", json);
    assert_eq!(traced.rendered.text, "A<u>Hi<a>YoZ");
    let event = |position, kind| TraceEvent { position, kind, origin: Origin::Pass(0) };
    assert_eq!(
        traced.events,
        [
            event(1, TraceKind::Iter(0)),
            event(2, TraceKind::Read(0)),
            event(4, TraceKind::Read(0)),
            event(6, TraceKind::Iter(1)),
            event(7, TraceKind::Read(1)),
            event(9, TraceKind::Read(1)),
            event(11, TraceKind::End),
        ]
    );
}

#[test]
fn reads_outside_of_a_loop_come_by_index() {
    let json = r#"{"messages": [{"content": "Hi"}, {"content": "Yo"}]}"#;
    let traced =
        trace("{{ messages[1].content }}{% for m in messages[1:] %}{{ messages[0].content }}{% endfor %}", json);
    let found: Vec<_> = traced.events.iter().map(|event| (event.position, event.kind, event.origin)).collect();
    assert_eq!(
        found,
        [
            (0, TraceKind::Read(1), Origin::Index),
            (2, TraceKind::Iter(1), Origin::Pass(0)),
            (2, TraceKind::Read(0), Origin::Index),
            (4, TraceKind::End, Origin::Pass(0)),
        ]
    );
}

#[test]
fn texts_that_are_put_together_name_their_record() {
    let json = r#"{"messages": [{"content": "Hi"}, {"content": "Yo"}]}"#;
    let source = "{% set ns = namespace(t='') %}{% for m in messages %}\
                  {% set ns.t = ns.t + '<' + m.content + '>' %}{% endfor %}{{ ns.t }}";
    let traced = trace(source, json);
    assert_eq!(traced.rendered.text, "<Hi><Yo>");
    let within: Vec<_> = traced
        .spans
        .iter()
        .filter_map(|span| match span.provenance {
            Provenance::Within(record) => Some((record, &traced.rendered.text[span.range()])),
            _ => None,
        })
        .collect();
    assert_eq!(within, [(0, "<"), (0, ">"), (1, "<"), (1, ">")]);
}

#[test]
fn generation_is_found_in_macros_and_set_blocks() {
    let json = r#"{"messages": [{"content": "é"}, {"content": "Yo"}]}"#;
    let source = "{% macro turn(m) %}<{% generation %}{{ m.content }}.{% endgeneration %}>{% endmacro %}\
                  {% for m in messages %}{{ turn(m) }}{% endfor %}";
    let variables = Variables::parse(json);
    let template = support::template(source);
    let rendered = template.render(variables.input()).unwrap();
    assert_eq!(rendered.text, "<é.><Yo.>");
    let texts: Vec<&str> = rendered.generation.iter().map(|span| &rendered.text[span.clone()]).collect();
    assert_eq!(texts, ["é.", "Yo."]);
    assert!(!rendered.generation_lost);
    // transformers counts from the output before the macro.
    assert_eq!(rendered.generation_as_transformers(), [0..3, 5..8]);
    assert_eq!(trace(source, json).rendered, rendered);
    let lost = support::template("{% set x %}{% generation %}a{% endgeneration %}{% endset %}{{ x|upper }}");
    assert!(lost.render(variables.input()).unwrap().generation_lost);
}

#[test]
fn keys_are_listed_with_whether_a_record_has_them() {
    let json = r#"{"messages": [{"role": "u", "content": "Hi"}], "other": {"x": 1}}"#;
    let source =
        "{% for m in messages %}{{ m.content }}{{ m.name or m.get('role') }}{{ m['name'] }}{% endfor %}{{ other.x }}";
    let variables = Variables::parse(json);
    let keys = support::template(source).keys_read(variables.input()).unwrap();
    let keys: Vec<_> = keys.iter().map(|read| (read.key.as_str(), read.found)).collect();
    assert_eq!(keys, [("content", true), ("name", false), ("role", true)]);
}
