//! Weights within a message: of single parts of its content, and of ranges of its characters.

use std::ops::Range;

use super::Labels;
use crate::conversation::{Fields, Node, field};
use crate::error::{Error, Kind, Result};
use crate::template::texts_of;

/// A stretch of one text of a message with a weight of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Detail {
    /// Which of the texts of the message.
    pub(super) ordinal: usize,
    /// Bytes of that text.
    pub(super) bytes: Range<usize>,
    pub(super) weight: f32,
}

/// Whether a message says more of its parts than of itself.
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

fn ranges<'m>(labels: &Labels, message: &'m Fields<'_>) -> Option<&'m Node<'m>> {
    let ranges = field(message, labels.ranges.as_deref()?)?;
    (*ranges != Node::Null).then_some(ranges)
}

/// The details of a message. Of a content with ranges all is listed, what lies in none of them with the weight 0.
pub(super) fn details(labels: &Labels, message: &Fields<'_>) -> Result<Vec<Detail>> {
    let texts = texts_of(message);
    let ordinal = |text: &str| texts.iter().position(|known| std::ptr::eq(known.as_ptr(), text.as_ptr()));
    let mut details = Vec::new();
    match (ranges(labels, message), field(message, "content")) {
        (Some(ranges), Some(Node::Str(content))) => {
            if let Some(ordinal) = ordinal(content) {
                details.push(Detail { ordinal, bytes: 0..content.len(), weight: 0.0 });
                for (characters, weight) in read_ranges(labels, ranges)? {
                    let bytes = bytes_of(content, characters)?;
                    details.push(Detail { ordinal, bytes, weight });
                }
            }
        }
        (Some(_), _) => return Err(wrong("character ranges need a content that is a string")),
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

fn wrong(text: impl Into<String>) -> Error {
    Error::new(Kind::WrongType, text)
}

/// Ranges of characters with their weights, as axolotl has them: `begin_offset`, and `end_offset`, which is the last
/// character and not the one behind it.
fn read_ranges(labels: &Labels, ranges: &Node<'_>) -> Result<Vec<(Range<usize>, f32)>> {
    let Node::List(items) = ranges else {
        return Err(wrong(format!("ranges of characters must be a list, found {}", ranges.type_name())));
    };
    items
        .iter()
        .map(|item| {
            let Some((fields, characters)) = read_range(item) else {
                return Err(wrong("a range of characters is {begin_offset, end_offset, train}, both ends counted"));
            };
            Ok((characters, labels.own_weight(fields)?.unwrap_or(1.0)))
        })
        .collect()
}

fn read_range<'n, 'a>(item: &'n Node<'a>) -> Option<(&'n Fields<'a>, Range<usize>)> {
    let Node::Map(fields) = item else { return None };
    let number = |name: &str| match field(fields, name) {
        Some(Node::Int(number)) => usize::try_from(*number).ok(),
        _ => None,
    };
    let (begin, end) = (number("begin_offset")?, number("end_offset")?.checked_add(1)?);
    (begin < end).then_some((fields, begin..end))
}

/// The bytes of these characters.
fn bytes_of(text: &str, characters: Range<usize>) -> Result<Range<usize>> {
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let start = starts.nth(characters.start);
    let end = starts.nth(characters.len() - 1);
    match (start, end) {
        (Some(start), Some(end)) => Ok(start..end),
        _ => {
            let text = format!(
                "a range ends at character {}, but the content has {}",
                characters.end - 1,
                text.chars().count()
            );
            Err(wrong(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;

    fn of(message: &str) -> Result<Vec<(usize, Range<usize>, f32)>> {
        let json = format!("[{message}]");
        let conversation = Conversation::new(Node::parse_json(json.as_bytes())?)?;
        let labels = Labels::default();
        let found = details(&labels, &conversation.messages[0])?;
        assert_eq!(found.is_empty(), !is_detailed(&labels, &conversation.messages[0]));
        Ok(found.into_iter().map(|detail| (detail.ordinal, detail.bytes, detail.weight)).collect())
    }

    #[test]
    fn characters_become_bytes() {
        let found = of(r#"{"role": "a", "content": "aé中b", "train_detail": [
            {"begin_offset": 0, "end_offset": 1, "train": false}, {"begin_offset": 2, "end_offset": 3, "train": true}]}"#);
        assert_eq!(found.unwrap(), [(0, 0..7, 0.0), (0, 0..3, 0.0), (0, 3..7, 1.0)]);
    }

    #[test]
    fn parts_have_flags_of_their_own() {
        let found = of(r#"{"role": "a", "content": [{"type": "text", "text": "one", "train": false}, {"text": "two"},
            {"type": "text", "text": "three", "weight": 1}]}"#);
        assert_eq!(found.unwrap(), [(0, 0..3, 0.0), (2, 0..5, 1.0)]);
        assert_eq!(of(r#"{"role": "a", "content": "x"}"#).unwrap(), []);
    }

    #[test]
    fn ranges_that_do_not_fit_are_errors() {
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
}
