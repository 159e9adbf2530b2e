//! The bytes of a rendered text that no value of the row can change.

use std::ops::Range;

use chatjinja::{Provenance, ProvenanceSpan};

use super::Request;
use crate::data::Node;
use crate::rows::Role;

/// `written`, the bytes of the template itself, with the bytes that are copies of trusted strings: usual names of
/// roles, as in `<|user|>`, and variables of the request. The ranges are as long as possible, in the order of the text.
pub(super) fn of(written: Vec<Range<usize>>, spans: &[ProvenanceSpan], request: &Request<'_, '_>) -> Vec<Range<usize>> {
    let trusted = trusted(request);
    let longest = trusted.iter().map(|range| range.len()).max().unwrap_or(0);
    let is_trusted = |address: usize, length: usize| {
        if length > longest {
            return false;
        }
        let after = trusted.partition_point(|range| range.start <= address);
        trusted[..after].last().is_some_and(|range| address + length <= range.end)
    };
    let copies = spans.iter().filter_map(|span| match span.provenance {
        Provenance::Copied(address) if is_trusted(address, span.range().len()) => Some(span.range()),
        _ => None,
    });
    merge(written, copies)
}

/// The ranges of both lists, as long as possible. Both are in order in nearly all rows; sorting all ranges took half of
/// the time of this file.
fn merge(written: Vec<Range<usize>>, copies: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(written.len());
    let mut in_order = true;
    let mut add = |range: Range<usize>| match merged.last_mut() {
        Some(last) if range.start < last.start => {
            in_order = false;
            merged.push(range);
        }
        Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
        _ => merged.push(range),
    };
    let mut copies = copies.peekable();
    for range in written {
        while let Some(copy) = copies.next_if(|copy| copy.start < range.start) {
            add(copy);
        }
        add(range);
    }
    copies.for_each(add);
    if !in_order {
        join(&mut merged);
    }
    merged
}

/// The addresses of the strings that are trusted.
fn trusted(request: &Request<'_, '_>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut trust = |text: &str| {
        let start = text.as_ptr() as usize;
        found.push(start..start + text.len());
    };
    let conversation = request.conversation;
    let roles = (0..conversation.messages.len()).map(|index| conversation.role(index));
    roles.filter(|role| Role::is_usual(role)).for_each(&mut trust);
    request.variables.iter().for_each(|(_, value)| each_string(value, &mut trust));
    join(&mut found);
    found
}

/// Sorts ranges, and joins those that touch.
fn join(ranges: &mut Vec<Range<usize>>) {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
}

fn each_string<'n>(value: &'n Node<'_>, found: &mut impl FnMut(&'n str)) {
    match value {
        Node::Str(text) => found(text),
        Node::List(items) => items.iter().for_each(|item| each_string(item, found)),
        Node::Map(fields) => fields.iter().for_each(|(_, value)| each_string(value, found)),
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::BigInt(_) | Node::Float(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows::{Conversation, TemplateVariables};
    use crate::template::ChatTemplate;

    /// The bytes of a rendered text that the row cannot change, with `|` between them.
    fn written(source: &str, messages: &str, variables: &str) -> String {
        let node = |json: &'static str| Node::parse_json(json.as_bytes()).unwrap();
        let conversation = Conversation::new(node(messages.to_owned().leak())).unwrap();
        let variables = TemplateVariables::read(Some(node(variables.to_owned().leak()))).unwrap();
        let request = Request { finds_written: true, ..Request::of(&conversation, &variables) };
        let template = ChatTemplate::new("test", source, &[("bos_token".to_owned(), "<s>".to_owned())]).unwrap();
        let rendered = template.render(request).unwrap();
        let traced = template.trace(request).unwrap();
        assert_eq!((&rendered.text, &rendered.written), (&traced.text, &traced.written));
        rendered.written.iter().map(|range| &rendered.text[range.clone()]).collect::<Vec<_>>().join("|")
    }

    proptest! {
        #[test]
        fn merged_ranges_are_those_that_are_sorted(
            one in prop::collection::vec((0_usize..40, 0_usize..6), 0..8),
            other in prop::collection::vec((0_usize..40, 0_usize..6), 0..8),
            sorted in any::<bool>(),
        ) {
            let ranges = |list: &[(usize, usize)]| -> Vec<Range<usize>> {
                let mut list = list.to_vec();
                if sorted {
                    list.sort_unstable();
                }
                list.iter().map(|(start, length)| *start..start + length).collect()
            };
            let mut expected = [ranges(&one), ranges(&other)].concat();
            join(&mut expected);
            prop_assert_eq!(merge(ranges(&one), ranges(&other).into_iter()), expected);
        }
    }

    #[test]
    fn text_of_the_template_is_written_however_it_is_joined() {
        let messages = r#"[{"role": "user", "content": "<e>"}]"#;
        for (source, expected) in [
            ("<a>{{ '<b>' }}{{ bos_token }}{{ '<c' ~ '>' }}", "<a><b><s><c>"),
            ("<a>{{ messages[0].content }}<b>", "<a>|<b>"),
            ("{% set x %}<a>{{ messages[0].content }}{% endset %}{{ x }}{{ x[1:] }}", "<a>|a>"),
            ("{{ '<%s>' % messages[0].content }}{{ '<{}>'.format(messages[0].content) }}", "<|><|>"),
            ("{{ 'x' ~ messages[0].content|replace('e', 'f') }}", "x|f"),
            ("{% macro m(c) %}<a>{{ c }}{% endmacro %}{{ m(messages[0].content)|trim }}", "<a>"),
            ("{{ messages|tojson }}{{ messages[0].content|upper }}{{ messages[0].keys()|join }}{{ 3 }}", "user"),
            ("{% for key in messages[0] %}{{ key }}{% endfor %}", ""),
        ] {
            assert_eq!(written(source, messages, "{}"), expected, "{source}");
        }
    }

    #[test]
    fn usual_roles_and_variables_of_the_request_are_trusted() {
        let source = "{% for m in messages %}<|{{ m.role }}|>{{ x.y }}{% endfor %}";
        let messages = r#"[{"role": "user", "content": "a"}, {"role": "im_end", "content": "user"}]"#;
        assert_eq!(written(source, messages, r#"{"x": {"y": "!"}}"#), "<|user|>!<|||>!");
        assert_eq!(written("{{ messages[1].content }}", messages, "{}"), "");
    }
}
