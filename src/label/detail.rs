//! Weights within a message: for parts of its content and for ranges of its characters.

use std::ops::Range;

use super::{Labels, read_ranges};
use crate::data::{Fields, Node, field};
use crate::error::{Error, Result};
use crate::template::texts_of;

/// A piece of one text of a message with its own weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Detail {
    /// Index of the text among the texts of the message, in the order of [`texts_of`].
    pub(super) ordinal: usize,
    /// Bytes of this text.
    pub(super) bytes: Range<usize>,
    pub(super) weight: f32,
}

/// Whether parts of the message may have their own weights.
pub(super) fn is_detailed(labels: &Labels, message: &Fields<'_>) -> bool {
    let flagged = |part: &Node<'_>| match part {
        Node::Map(fields) => labels.flags.iter().any(|name| !matches!(field(fields, name), None | Some(Node::Null))),
        _ => false,
    };
    message.iter().any(|(name, value)| match value {
        Node::Null => false,
        Node::List(parts) if name == "content" => parts.iter().any(flagged),
        _ => labels.ranges.as_deref() == Some(name),
    })
}

/// The field with the ranges of a message: its name and its value.
fn ranges<'m>(labels: &'m Labels, message: &'m Fields<'_>) -> Option<(&'m str, &'m Node<'m>)> {
    let name = labels.ranges.as_deref()?;
    let ranges = field(message, name)?;
    (*ranges != Node::Null).then_some((name, ranges))
}

/// The details of a message. If a content has ranges, the characters outside of them have the weight 0.
pub(super) fn details(labels: &Labels, message: &Fields<'_>) -> Result<Vec<Detail>> {
    let texts = texts_of(message);
    let ordinal = |text: &str| texts.iter().position(|known| std::ptr::eq(known.as_ptr(), text.as_ptr()));
    let mut details = Vec::new();
    match (ranges(labels, message), field(message, "content")) {
        (Some((name, ranges)), Some(Node::Str(content))) => {
            if let Some(ordinal) = ordinal(content) {
                details.push(Detail { ordinal, bytes: 0..content.len(), weight: 0.0 });
                for (characters, weight) in weighted_ranges(labels, name, ranges)? {
                    let bytes = bytes_of(name, content, characters)?;
                    details.push(Detail { ordinal, bytes, weight });
                }
            }
        }
        (Some((name, _)), _) => {
            return Err(Error::wrong_type(format!(
                "`{name}` needs a content that is a string; to train parts of a list, set flags on the parts"
            )));
        }
        (None, Some(Node::List(parts))) => {
            for part in parts {
                let Node::Map(fields) = part else { continue };
                let Some(weight) = labels.own_weight(fields)? else { continue };
                if let Some(Node::Str(text)) = field(fields, "text")
                    && let Some(ordinal) = ordinal(text)
                {
                    details.push(Detail { ordinal, bytes: 0..text.len(), weight });
                }
            }
        }
        _ => {}
    }
    Ok(details)
}

/// Ranges of characters with their weights.
fn weighted_ranges(labels: &Labels, name: &str, ranges: &Node<'_>) -> Result<Vec<(Range<usize>, f32)>> {
    read_ranges(name, ranges, |fields, first, last| {
        let Some(end) = last.checked_add(1).filter(|end| first < *end) else { return Ok(None) };
        Ok(Some((first..end, labels.own_weight(fields)?.unwrap_or(1.0))))
    })
}

/// The bytes of a range of characters of `text`.
fn bytes_of(name: &str, text: &str, characters: Range<usize>) -> Result<Range<usize>> {
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let start = starts.nth(characters.start);
    let end = starts.nth(characters.len() - 1);
    match (start, end) {
        (Some(start), Some(end)) => Ok(start..end),
        _ => {
            let last = match text.chars().count() {
                0 => "the content is empty".to_owned(),
                count => format!("the last character of the content is {}", count - 1),
            };
            let end = characters.end - 1;
            Err(Error::wrong_type(format!("`{name}` has a range up to character {end}, but {last}; shorten the range")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;
    use crate::rows::Conversation;

    fn of(message: &str) -> Result<Vec<(usize, Range<usize>, f32)>> {
        let json = format!("[{message}]");
        let conversation = Conversation::new(parse_json(json.as_bytes())?)?;
        let labels = Labels::default();
        let found = details(&labels, &conversation.messages[0])?;
        assert_eq!(found.is_empty(), !is_detailed(&labels, &conversation.messages[0]));
        Ok(found.into_iter().map(|detail| (detail.ordinal, detail.bytes, detail.weight)).collect())
    }

    #[test]
    fn ranges_of_characters_become_ranges_of_bytes() {
        let found = of(r#"{"role": "a", "content": "aé中b", "train_detail": [
            {"begin_offset": 0, "end_offset": 1, "train": false}, {"begin_offset": 2, "end_offset": 3, "train": true}]}"#);
        assert_eq!(found.unwrap(), [(0, 0..7, 0.0), (0, 0..3, 0.0), (0, 3..7, 1.0)]);
    }

    #[test]
    fn parts_of_a_content_have_flags() {
        let found = of(r#"{"role": "a", "content": [{"type": "text", "text": "one", "train": false}, {"text": "two"},
            {"type": "text", "text": "three", "weight": 1}]}"#);
        assert_eq!(found.unwrap(), [(0, 0..3, 0.0), (2, 0..5, 1.0)]);
        assert_eq!(of(r#"{"role": "a", "content": "x"}"#).unwrap(), []);
    }

    #[test]
    fn invalid_ranges_are_errors() {
        for ranges in [
            r#"{"begin_offset": 0}"#,
            r#"[{"begin_offset": 0}]"#,
            r#"[{"begin_offset": 2, "end_offset": 1}]"#,
            r#"[{"begin_offset": 0, "end_offset": 2}]"#,
            r#"[{"begin_offset": -1, "end_offset": 1}]"#,
        ] {
            assert!(of(&format!(r#"{{"role": "a", "content": "xy", "train_detail": {ranges}}}"#)).is_err(), "{ranges}");
        }
    }

    #[test]
    fn errors_name_the_field_and_the_value() {
        let text = |ranges: &str, content: &str| {
            of(&format!(r#"{{"role": "a", "content": {content}, "train_detail": {ranges}}}"#)).unwrap_err().text
        };
        assert_eq!(text("3", "\"xy\""), "`train_detail` is an integer; use a list of ranges of characters");
        assert_eq!(
            text(r#"[{"begin_offset": 2, "end_offset": 1}]"#, "\"xy\""),
            "`train_detail` has the invalid range {\"begin_offset\": 2, \"end_offset\": 1}; use {\"begin_offset\": first \
             character, \"end_offset\": last character, \"train\": true or false}"
        );
        assert_eq!(
            text(r#"[{"begin_offset": 0, "end_offset": 2}]"#, "\"xy\""),
            "`train_detail` has a range up to character 2, but the last character of the content is 1; shorten the range"
        );
        assert_eq!(
            text("[]", "[]"),
            "`train_detail` needs a content that is a string; to train parts of a list, set flags on the parts"
        );
    }
}
