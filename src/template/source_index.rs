//! `SourceIndex`: the texts of messages by their address in memory.
//!
//! A traced render records the addresses of the bytes that it prints. The index maps an address to a message and a part
//! of it.

use std::ops::Range;

use chatjinja::is_space;

use super::think_tags;
use crate::data::{Fields, Node};
use crate::rows::{Conversation, REASONING_FIELDS};

/// The part of a message that a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The content, or the text of one of its parts.
    Content,
    /// The reasoning.
    Reasoning,
    /// The name or an argument of a tool call.
    ToolCall,
}

/// One text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceText<'a> {
    /// The index of the message.
    pub message: usize,
    /// Which part of the message.
    pub part: Part,
    /// Index of the text among the message's texts, in the order of [`texts_of`].
    pub ordinal: usize,
    /// The text.
    pub text: &'a str,
}

/// The texts of all messages, by address.
#[derive(Debug)]
pub struct SourceIndex<'a>(Vec<SourceText<'a>>);

impl<'a> SourceIndex<'a> {
    /// The texts of a conversation. Roles, ids and keys are left out.
    pub fn of(conversation: &'a Conversation<'_>) -> SourceIndex<'a> {
        let mut texts = Vec::with_capacity(conversation.messages.len());
        for (message, fields) in conversation.messages.iter().enumerate() {
            let mut ordinal = 0;
            of_message(fields, &mut |part, text: &'a str| {
                if !text.is_empty() {
                    texts.push(SourceText { message, part, ordinal, text });
                }
                ordinal += 1;
            });
        }
        let by_address = |source: &SourceText<'_>| (source.text.as_ptr(), source.message);
        // The texts of a row that was parsed from one buffer are already in order.
        if !texts.is_sorted_by_key(by_address) {
            texts.sort_unstable_by_key(by_address);
        }
        SourceIndex(texts)
    }

    /// All texts, by address.
    pub fn all(&self) -> &[SourceText<'a>] {
        &self.0
    }

    /// Whether texts of different messages share memory, as equal strings may do. Then an address does not identify its
    /// message.
    pub fn share_memory(&self) -> bool {
        self.0.windows(2).any(|pair| {
            let end = pair[0].text.as_ptr() as usize + pair[0].text.len();
            (pair[1].text.as_ptr() as usize) < end && (pair[0].message, pair[0].part) != (pair[1].message, pair[1].part)
        })
    }

    /// The texts in the `len` bytes that start at an address: for each its index, its bytes in this range, and the
    /// offset of these bytes from the address. Texts may be adjacent in memory, so there may be several.
    pub fn copied_from(&self, address: usize, len: usize) -> impl Iterator<Item = (usize, Range<usize>, usize)> {
        let end_of = |source: &SourceText<'_>| source.text.as_ptr() as usize + source.text.len();
        let first = self.0.partition_point(|source| end_of(source) <= address);
        let texts = self.0[first..]
            .iter()
            .enumerate()
            .take_while(move |(_, source)| (source.text.as_ptr() as usize) < address + len);
        // A text may have two names, such as the reasoning. The last one counts.
        let texts = texts.filter(move |(index, source)| {
            self.0.get(first + index + 1).is_none_or(|next| next.text.as_ptr() != source.text.as_ptr())
        });
        texts.map(move |(index, source)| {
            let start = source.text.as_ptr() as usize;
            let (from, to) = (address.max(start), (address + len).min(start + source.text.len()));
            (first + index, from - start..to - start, from - address)
        })
    }

    /// The text that holds an address: its index and all of its bytes.
    pub fn derived_from(&self, address: usize) -> Option<(usize, Range<usize>)> {
        let (index, _) = self.find(address)?;
        Some((index, 0..self.0[index].text.len()))
    }

    /// The index of the text that holds an address, and the offset in it.
    fn find(&self, address: usize) -> Option<(usize, usize)> {
        let after = self.0.partition_point(|source| source.text.as_ptr() as usize <= address);
        let index = after.checked_sub(1)?;
        let offset = address - self.0[index].text.as_ptr() as usize;
        (offset < self.0[index].text.len()).then_some((index, offset))
    }
}

/// The texts of a message in a fixed order. Blank ones are included.
pub fn texts_of<'a>(message: &'a Fields<'_>) -> Vec<&'a str> {
    let mut texts = Vec::new();
    of_message(message, &mut |_, text: &'a str| texts.push(text));
    texts
}

/// The offset of the first word of a text, after white space and think tags; None if it has no words.
pub fn words_at(text: &str) -> Option<usize> {
    let mut rest = text.trim_start_matches(is_space);
    if !rest.starts_with(['<', '[']) {
        return (!rest.is_empty()).then(|| text.len() - rest.len());
    }
    let tags = think_tags::ALL.iter().flat_map(|(open, close)| [*open, *close]);
    while let Some(behind) = tags.clone().find_map(|tag| rest.strip_prefix(tag)) {
        rest = behind.trim_start_matches(is_space);
    }
    (!rest.is_empty()).then(|| text.len() - rest.len())
}

fn of_message<'a>(fields: &'a Fields<'_>, found: &mut impl FnMut(Part, &'a str)) {
    for (name, value) in fields {
        match (name.as_ref(), value) {
            ("content", value) => of_content(value, found),
            (name, Node::Str(text)) if REASONING_FIELDS.contains(&name) => found(Part::Reasoning, text),
            ("tool_calls", Node::List(calls)) => calls.iter().for_each(|call| of_call(call, found)),
            _ => {}
        }
    }
}

fn of_content<'a>(value: &'a Node<'_>, found: &mut impl FnMut(Part, &'a str)) {
    match value {
        Node::Str(text) => found(Part::Content, text),
        Node::List(parts) => {
            for part in parts {
                match part {
                    Node::Map(fields) => {
                        fields
                            .iter()
                            .filter(|(name, _)| name == "text")
                            .for_each(|(_, value)| of_content(value, found));
                    }
                    part => of_content(part, found),
                }
            }
        }
        Node::Map(_) => all_of(value, Part::Content, found),
        _ => {}
    }
}

fn of_call<'a>(call: &'a Node<'_>, found: &mut impl FnMut(Part, &'a str)) {
    let Node::Map(fields) = call else { return };
    for (name, value) in fields {
        match name.as_ref() {
            "function" => of_call(value, found),
            "name" | "arguments" | "parameters" => all_of(value, Part::ToolCall, found),
            _ => {}
        }
    }
}

fn all_of<'a>(value: &'a Node<'_>, part: Part, found: &mut impl FnMut(Part, &'a str)) {
    match value {
        Node::Str(text) => found(part, text),
        Node::List(items) => items.iter().for_each(|item| all_of(item, part, found)),
        Node::Map(fields) => fields.iter().for_each(|(_, value)| all_of(value, part, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_their_texts() {
        let json = br#"[{"role": "user", "content": [{"type": "text", "text": "one"}, "two"]},
            {"role": "assistant", "content": " ", "reasoning": "three",
             "tool_calls": [{"id": "x", "function": {"name": "four", "arguments": {"k": ["five"]}}}]}]"#;
        let conversation = Conversation::new(Node::parse_json(json).unwrap()).unwrap();
        let index = SourceIndex::of(&conversation);
        let mut texts: Vec<(usize, Part, &str)> =
            index.all().iter().map(|source| (source.message, source.part, source.text)).collect();
        texts.dedup();
        let expected = [
            (0, Part::Content, "one"),
            (0, Part::Content, "two"),
            (1, Part::Content, " "),
            (1, Part::Reasoning, "three"),
            (1, Part::ToolCall, "four"),
            (1, Part::ToolCall, "five"),
        ];
        assert_eq!(texts, expected);
        for (place, source) in index.all().iter().enumerate().filter(|(_, source)| source.text.len() > 1) {
            let (found, offset) = index.find(source.text.as_ptr() as usize + 1).unwrap();
            assert_eq!((index.all()[found].text, offset), (index.all()[place].text, 1));
        }
        assert_eq!(index.find(conversation.role(0).as_ptr() as usize), None);
        assert!(!index.share_memory());
    }

    #[test]
    fn texts_side_by_side_in_memory_are_kept_apart() {
        let memory = String::from("onetwo three");
        let message = |text: &'static str| vec![("content".into(), Node::Str(text.into()))];
        // Leaked, so that the texts live long enough.
        let memory: &'static str = memory.leak();
        let messages = vec![message(&memory[..3]), message(&memory[3..6]), message(&memory[7..])];
        let conversation = Conversation {
            messages,
            tools: None,
            documents: None,
            variables: Default::default(),
            is_sharegpt: false,
            has_unread_system: false,
            shares_strings: false,
        };
        let index = SourceIndex::of(&conversation);
        assert!(!index.share_memory());
        let found: Vec<_> = index.copied_from(memory.as_ptr() as usize + 1, 9).collect();
        assert_eq!(found, [(0, 1..3, 0), (1, 0..3, 2), (2, 0..3, 6)]);
        assert_eq!(index.copied_from(memory.as_ptr() as usize + 6, 1).count(), 0);
    }

    #[test]
    fn equal_strings_in_the_same_memory_are_seen() {
        let message = |role: &'static str| {
            vec![("role".into(), Node::Str(role.into())), ("content".into(), Node::Str("the same".into()))]
        };
        let messages = Node::List(vec![Node::Map(message("user")), Node::Map(message("assistant"))]);
        let conversation = Conversation::new(messages).unwrap();
        assert!(SourceIndex::of(&conversation).share_memory());
        assert!(!SourceIndex::of(&conversation.to_owned()).share_memory());
    }
}
