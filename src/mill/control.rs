//! Control tokens in the texts of users: found, and encoded as plain text or refused.
//!
//! An added token is a control token if it is special, or if the template writes it. Where a value of a message holds
//! one, the text between the template's own control tokens around it is encoded without added tokens, so that it reads
//! as it would if the token were none.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Options, SpecialTokens};
use crate::conversation::{Conversation, Fields, Node};
use crate::error::{Error, Kind, Result};
use crate::python_text::is_space;
use crate::template::{ChatTemplate, Printed, texts_of};
use crate::tokenizer::Tokenizer;

/// Finds control tokens.
#[derive(Debug)]
pub(super) struct ControlTokens {
    /// All added tokens, as the tokenizer finds them: the first, and of those the longest.
    added: AhoCorasick,
    /// Those of them that users may not write, by their number.
    forbidden: Vec<bool>,
    tokens: Vec<String>,
    /// Whether such a token is an error.
    raises: bool,
}

/// A control token in a value: the text before it names the place.
fn found(token: &str, place: &str) -> Error {
    let text = format!(
        "{place} holds the control token {token}; take special_tokens=\"text\" to have it as plain text where it stands \
         in a content, or name it in allowed_special_tokens"
    );
    Error::new(Kind::ControlToken, text)
}

impl ControlTokens {
    /// For a tokenizer with a template; None where users may write what they like.
    pub(super) fn of(tokenizer: &Tokenizer, template: &ChatTemplate, options: &Options) -> Result<Option<Self>> {
        if options.special_tokens == SpecialTokens::Allow {
            return Ok(None);
        }
        if let Some(name) = options.allowed_special_tokens.iter().find(|name| tokenizer.token_to_id(name).is_none()) {
            let text = format!("allowed_special_tokens: {name} is no token of {}", tokenizer.name());
            return Err(Error::new(Kind::Option, text));
        }
        let tokens = tokenizer.added_tokens();
        let written = |text: &str| {
            !text.trim_matches(is_space).is_empty()
                && (template.source().contains(text) || template.tool_use().is_some_and(|source| source.contains(text)))
        };
        let added = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(tokens.iter().map(|token| &token.text))
            .map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        let forbidden = tokens.iter().map(|token| {
            (token.special || written(&token.text)) && !options.allowed_special_tokens.contains(&token.text)
        });
        Ok(Some(ControlTokens {
            added,
            forbidden: forbidden.collect(),
            tokens: tokens.iter().map(|token| token.text.clone()).collect(),
            raises: options.special_tokens == SpecialTokens::Raise,
        }))
    }

    /// The first control token of a text.
    fn first(&self, text: &str) -> Option<&str> {
        let mut matches = self.added.find_iter(text);
        let token = matches.find(|found| self.forbidden[found.pattern().as_usize()])?;
        self.tokens.get(token.pattern().as_usize()).map(String::as_str)
    }

    /// Whether a content, a reasoning or a call of `conversation` holds a control token. An error where users may not
    /// write any, and where one stands in a value whose place in the text is not known.
    pub(super) fn are_in(&self, conversation: &Conversation<'_>) -> Result<bool> {
        let Conversation { tools, documents, variables, .. } = conversation;
        for (name, value) in [("tools", tools), ("documents", documents)] {
            if let Some(token) = value.as_ref().and_then(|value| self.first_in(value)) {
                return Err(found(token, &format!("a text of {name}")));
            }
        }
        for (name, value) in variables {
            if let Some(token) = self.first_in(value) {
                return Err(found(token, &format!("the template variable {name}")));
            }
        }
        let mut any = false;
        for (index, message) in conversation.messages.iter().enumerate() {
            let token = texts_of(message).into_iter().find_map(|text| self.first(text));
            if let Some(token) = token.filter(|_| self.raises) {
                return Err(found(token, "the message").at_message(index));
            }
            any |= token.is_some();
            self.check_other_fields(message).map_err(|error| error.at_message(index))?;
        }
        Ok(any)
    }

    /// Fields of a message that are no texts of it, such as a name: their places are not traced.
    fn check_other_fields(&self, message: &Fields<'_>) -> Result<()> {
        let texts = texts_of(message);
        let is_text = |text: &str| texts.iter().any(|known| std::ptr::eq(*known, text));
        for (name, value) in message {
            let mut token = None;
            strings(value, &mut |text| {
                if !is_text(text) {
                    token = token.or(self.first(text));
                }
            });
            if let Some(token) = token {
                return Err(found(token, &format!("{name} of the message")));
            }
        }
        Ok(())
    }

    fn first_in(&self, value: &Node<'_>) -> Option<&str> {
        let mut token = None;
        strings(value, &mut |text| token = token.or(self.first(text)));
        token
    }

    /// The stretches of `text` to encode without added tokens: around each control token that a value shows, between
    /// the added tokens that count.
    pub(super) fn plain(&self, text: &str, printed: &[Printed]) -> Vec<Range<usize>> {
        let mut plain: Vec<Range<usize>> = Vec::new();
        let (mut start, mut shows) = (0, false);
        let mut close = |range: Range<usize>, shows: bool| {
            if shows && !range.is_empty() {
                plain.push(range);
            }
        };
        let mut next = 0;
        for token in self.added.find_iter(text) {
            while printed.get(next).is_some_and(|value| value.span.end <= token.start()) {
                next += 1;
            }
            let of_user = printed[next..].iter().take_while(|value| value.span.start < token.end()).next().is_some();
            if of_user && self.forbidden[token.pattern().as_usize()] {
                shows = true;
                continue;
            }
            close(start..token.start(), shows);
            (start, shows) = (token.end(), false);
        }
        close(start..text.len(), shows);
        plain
    }
}

fn strings<'a>(value: &'a Node<'_>, found: &mut impl FnMut(&'a str)) {
    match value {
        Node::Str(text) => found(text),
        Node::List(items) => items.iter().for_each(|item| strings(item, found)),
        Node::Map(fields) => fields.iter().for_each(|(_, value)| strings(value, found)),
        _ => {}
    }
}
