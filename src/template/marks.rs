//! Marks: noncharacters around the values of messages, which show where the template prints each value.
//!
//! A render of marked messages proves itself: without the marks it must equal the plain render byte for byte. Unicode
//! keeps U+FDD0 to U+FDEF for such inner use; a text that has them already is refused.

use std::borrow::Cow;
use std::ops::Range;

use crate::conversation::{Conversation, Fields, Node};

const START: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';
const END: char = '\u{fdd2}';
/// The digits of an id, base 16.
const DIGIT: u32 = 0xfde0;
/// All noncharacters of this block have these two bytes and a third from 0x90 to 0xaf.
const LEAD: &[u8] = b"\xef\xb7";

/// Templates cut messages at these to tell reasoning from answers, so no mark may lie across one.
const THINK_TAGS: [&str; 6] = ["<think>", "</think>", "[THINK]", "[/THINK]", "<reasoning>", "</reasoning>"];

/// What part of a message a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The content, or the text of one of its parts.
    Content,
    /// The reasoning.
    Reasoning,
    /// The name or an argument of a tool call.
    ToolCall,
}

/// A marked piece of a value: its middle without white space at its edges, cut at think tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Index of the message.
    pub message: usize,
    /// Which part of the message.
    pub part: Part,
    /// What stands before the piece in its value.
    pub head: String,
    /// What stands after the piece in its value.
    pub tail: String,
}

/// A place of the text where a slot was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Index of the slot.
    pub slot: usize,
    /// The bytes of the plain text.
    pub span: Range<usize>,
}

/// Why marks did not show the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkFault {
    /// The data holds noncharacters of the block.
    InData,
    /// A start without its end, or the reverse.
    Broken,
    /// Without its marks the text differs from the plain one.
    Differs,
}

/// Whether `text` holds characters that marks are made of.
pub fn has_marks(text: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), LEAD).any(|at| matches!(text.as_bytes().get(at + 2), Some(0x90..=0xaf)))
}

/// The conversation with marks around its values, and what each mark stands for.
///
/// Roles, ids, types and keys are never marked: templates compare them. Blank strings are not either: templates ask
/// whether they are empty.
pub fn mark<'a>(conversation: &Conversation<'a>) -> (Conversation<'a>, Vec<Slot>) {
    let mut marked = conversation.clone();
    let mut slots = Vec::new();
    for (message, fields) in marked.messages.iter_mut().enumerate() {
        mark_message(fields, &mut Marker { message, slots: &mut slots });
    }
    (marked, slots)
}

struct Marker<'s> {
    message: usize,
    slots: &'s mut Vec<Slot>,
}

fn mark_message(fields: &mut Fields<'_>, marker: &mut Marker<'_>) {
    let mut reasoning: Option<(String, String)> = None;
    for (name, value) in fields.iter_mut() {
        match (name.as_ref(), value) {
            ("content", value) => mark_content(value, marker),
            ("reasoning_content" | "thinking" | "reasoning", Node::Str(text)) => {
                // The same reasoning under several names is one value, with one mark.
                let marked = match &reasoning {
                    Some((plain, marked)) if *plain == **text => marked.clone(),
                    _ => {
                        let marked = marker.text(text, Part::Reasoning);
                        reasoning = Some((text.clone().into_owned(), marked.clone()));
                        marked
                    }
                };
                *text = Cow::Owned(marked);
            }
            ("tool_calls", Node::List(calls)) => {
                for call in calls {
                    mark_call(call, marker);
                }
            }
            _ => {}
        }
    }
}

fn mark_content(value: &mut Node<'_>, marker: &mut Marker<'_>) {
    match value {
        Node::Str(text) => *text = Cow::Owned(marker.text(text, Part::Content)),
        Node::List(parts) => {
            for part in parts {
                match part {
                    Node::Map(fields) => {
                        for (name, value) in fields {
                            if name == "text" {
                                mark_content(value, marker);
                            }
                        }
                    }
                    part => mark_content(part, marker),
                }
            }
        }
        Node::Map(_) => mark_leaves(value, Part::Content, marker),
        _ => {}
    }
}

fn mark_call(call: &mut Node<'_>, marker: &mut Marker<'_>) {
    let Node::Map(fields) = call else { return };
    for (name, value) in fields {
        match name.as_ref() {
            "function" => mark_call(value, marker),
            "name" | "arguments" | "parameters" => mark_leaves(value, Part::ToolCall, marker),
            _ => {}
        }
    }
}

fn mark_leaves(value: &mut Node<'_>, part: Part, marker: &mut Marker<'_>) {
    match value {
        Node::Str(text) => *text = Cow::Owned(marker.text(text, part)),
        Node::List(items) => items.iter_mut().for_each(|item| mark_leaves(item, part, marker)),
        Node::Map(fields) => fields.iter_mut().for_each(|(_, value)| mark_leaves(value, part, marker)),
        _ => {}
    }
}

impl Marker<'_> {
    fn text(&mut self, text: &str, part: Part) -> String {
        let mut marked = String::with_capacity(text.len() + 64);
        let mut start = 0;
        while start < text.len() {
            let (end, next) = next_think_tag(text, start).unwrap_or((text.len(), text.len()));
            self.piece(text, start..end, part, &mut marked);
            marked.push_str(&text[end..next]);
            start = next;
        }
        marked
    }

    fn piece(&mut self, text: &str, range: Range<usize>, part: Part, marked: &mut String) {
        let piece = &text[range.clone()];
        let lead = piece.len() - piece.trim_start_matches(is_space).len();
        let core = piece.trim_matches(is_space);
        if core.is_empty() {
            marked.push_str(piece);
            return;
        }
        let (start, end) = (range.start + lead, range.start + lead + core.len());
        let id = self.slots.len();
        self.slots.push(Slot {
            message: self.message,
            part,
            head: text[..start].to_owned(),
            tail: text[end..].to_owned(),
        });
        marked.push_str(&piece[..lead]);
        push_mark(marked, START, id);
        marked.push_str(core);
        push_mark(marked, END, id);
        marked.push_str(&text[end..range.end]);
    }
}

/// Start and end of the first think tag from `start` on.
fn next_think_tag(text: &str, start: usize) -> Option<(usize, usize)> {
    memchr::memchr2_iter(b'<', b'[', &text.as_bytes()[start..]).map(|at| start + at).find_map(|at| {
        let tag = THINK_TAGS.iter().find(|tag| text[at..].starts_with(**tag))?;
        Some((at, at + tag.len()))
    })
}

/// White space as Python's `str.strip` knows it.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

fn push_mark(text: &mut String, kind: char, id: usize) {
    text.push(kind);
    let digits = (usize::BITS - id.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (id >> (4 * place) & 0xf) as u32;
        text.extend(char::from_u32(DIGIT + digit));
    }
    text.push(CLOSE);
}

/// Reads the marks of `marked`, a render of messages with `slots` marks, against the `plain` render.
pub fn read(marked: &str, plain: &str, slots: usize) -> Result<Vec<Occurrence>, MarkFault> {
    let mut occurrences = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let (mut from, mut at) = (0, 0);
    let bytes = marked.as_bytes();
    let copy = |from: usize, to: usize, at: &mut usize| {
        let piece = &marked[from..to];
        if !plain[*at..].starts_with(piece) {
            return Err(MarkFault::Differs);
        }
        *at += piece.len();
        Ok(())
    };
    let mut search = 0;
    while let Some(found) = memchr::memmem::find(&bytes[search..], LEAD) {
        let mark = search + found;
        search = mark + LEAD.len() + 1;
        if !matches!(bytes.get(mark + LEAD.len()), Some(0x90..=0xaf)) {
            continue;
        }
        let kind = marked[mark..].chars().next();
        copy(from, mark, &mut at)?;
        let (id, end) = read_id(marked, search).filter(|(id, _)| *id < slots).ok_or(MarkFault::Broken)?;
        match (kind, open) {
            (Some(START), None) => open = Some((id, at)),
            (Some(END), Some((slot, start))) if slot == id => {
                occurrences.push(Occurrence { slot, span: start..at });
                open = None;
            }
            _ => return Err(MarkFault::Broken),
        }
        (from, search) = (end, end);
    }
    copy(from, marked.len(), &mut at)?;
    if open.is_some() {
        return Err(MarkFault::Broken);
    }
    if at != plain.len() {
        return Err(MarkFault::Differs);
    }
    Ok(occurrences)
}

fn read_id(text: &str, at: usize) -> Option<(usize, usize)> {
    let mut id = 0usize;
    for (offset, character) in text[at..].char_indices() {
        match u32::from(character).checked_sub(DIGIT) {
            Some(digit @ 0..16) => id = id.checked_mul(16)?.checked_add(digit as usize)?,
            _ if character == CLOSE && offset > 0 => {
                return Some((id, at + offset + CLOSE.len_utf8()));
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conversation(content: &str) -> Conversation<'static> {
        let fields = vec![
            (Cow::Borrowed("role"), Node::Str("user".into())),
            (Cow::Borrowed("content"), Node::Str(Cow::Owned(content.to_owned()))),
        ];
        Conversation::new(Node::List(vec![Node::Map(fields)])).unwrap()
    }

    fn marked_content(content: &str) -> (String, Vec<Slot>) {
        let (marked, slots) = mark(&conversation(content));
        let Node::Str(text) = &marked.messages[0][1].1 else { panic!("no text") };
        (text.clone().into_owned(), slots)
    }

    #[test]
    fn cores_are_marked_between_white_space_and_think_tags() {
        let (marked, slots) = marked_content(" <think>\na </think>\n\nbé ");
        let places = read(&marked, " <think>\na </think>\n\nbé ", slots.len()).unwrap();
        let plain = " <think>\na </think>\n\nbé ";
        let cores: Vec<&str> = places.iter().map(|place| &plain[place.span.clone()]).collect();
        assert_eq!(cores, ["a", "bé"]);
        assert_eq!(slots[0].head, " <think>\n");
        assert_eq!(slots[1].tail, " ");
    }

    #[test]
    fn changes_and_breaks_are_seen() {
        let (marked, slots) = marked_content("abc");
        assert_eq!(read(&marked, "abd", slots.len()), Err(MarkFault::Differs));
        assert_eq!(read(&marked, "abcd", slots.len()), Err(MarkFault::Differs));
        let half: String = marked.chars().take(5).collect();
        assert_eq!(read(&half, "ab", slots.len()), Err(MarkFault::Broken));
        assert!(has_marks("x\u{fdd0}") && has_marks("\u{fdef}") && !has_marks("\u{fdcf}\u{fdf0}é"));
    }

    proptest! {
        #[test]
        fn any_content_reads_back(content in "(\\PC|\\s|<think>|</think>|\u{1c}){0,40}") {
            prop_assume!(!has_marks(&content));
            let (marked, slots) = marked_content(&content);
            let places = read(&marked, &content, slots.len()).unwrap();
            prop_assert_eq!(places.len(), slots.len());
            for place in places {
                let slot = &slots[place.slot];
                prop_assert_eq!(format!("{}{}{}", slot.head, &content[place.span], slot.tail), content.clone());
            }
        }
    }
}
