//! `ControlTokens`: finds control tokens in the texts of rows, to encode them as plain text or to reject the row.
//!
//! An added token is a control token if it is special, or if the template writes it. If a value of a message holds one,
//! the text around it, up to the template's own control tokens, is encoded without added tokens, as if the vocabulary
//! did not have the token.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use chatjinja::is_space;

use super::{Options, SpecialTokens};
use crate::data::{Fields, Node};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::Conversation;
use crate::template::{ChatTemplate, Printed, texts_of};
use crate::tokenizer::Tokenizer;

/// Finds control tokens.
#[derive(Debug)]
pub(super) struct ControlTokens {
    /// All added tokens, found as the tokenizer finds them: leftmost, then longest.
    added: AhoCorasick,
    /// Whether each of them is forbidden in texts of rows.
    forbidden: Vec<bool>,
    tokens: Vec<String>,
    /// Whether a forbidden token is an error.
    raises: bool,
}

impl ControlTokens {
    /// The control tokens of a tokenizer with a template; None if texts of rows may hold them.
    pub(super) fn new(tokenizer: &Tokenizer, template: &ChatTemplate, options: &Options) -> Result<Option<Self>> {
        if options.special_tokens == SpecialTokens::Allow {
            return Ok(None);
        }
        let tokens = tokenizer.added_tokens();
        let written = |text: &str| {
            !text.trim_matches(is_space).is_empty()
                && (template.source().contains(text) || template.tool_use().is_some_and(|source| source.contains(text)))
        };
        let added = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(tokens.iter().map(|token| &token.text))
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
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

    /// Whether a content, a reasoning or a call of `conversation` holds a control token.
    ///
    /// # Errors
    ///
    /// Fails if control tokens are refused, or if one is in a value whose place in the rendered text is unknown.
    pub(super) fn check(&self, conversation: &Conversation<'_>) -> Result<bool> {
        let Conversation { tools, documents, variables, .. } = conversation;
        for (name, value) in [("tools", tools), ("documents", documents)] {
            if let Some(token) = value.as_ref().and_then(|value| self.first_in(value)) {
                return Err(token_error(token, &format!("`{name}`")));
            }
        }
        for (name, value) in variables.iter() {
            if let Some(token) = self.first_in(value) {
                return Err(token_error(token, &format!("the template variable `{name}`")));
            }
        }
        let mut any = false;
        for (index, message) in conversation.messages.iter().enumerate() {
            let token = texts_of(message).into_iter().find_map(|text| self.first(text));
            if let Some(token) = token.filter(|_| self.raises) {
                return Err(token_error(token, "the message").at_message(index));
            }
            any |= token.is_some();
            self.check_other_fields(message).map_err(|error| error.at_message(index))?;
        }
        Ok(any)
    }

    /// Checks the fields of a message that are not its texts, such as a name: their places in the text are unknown.
    fn check_other_fields(&self, message: &Fields<'_>) -> Result<()> {
        let texts = texts_of(message);
        let is_text = |text: &str| texts.iter().any(|known| std::ptr::eq(*known, text));
        for (name, value) in message {
            let mut token = None;
            each_string(value, &mut |text| {
                if !is_text(text) {
                    token = token.or(self.first(text));
                }
            });
            if let Some(token) = token {
                return Err(token_error(token, &format!("`{name}` of the message")));
            }
        }
        Ok(())
    }

    fn first_in(&self, value: &Node<'_>) -> Option<&str> {
        let mut token = None;
        each_string(value, &mut |text| token = token.or(self.first(text)));
        token
    }

    /// The ranges of `text` to encode without added tokens: around each control token that a value of the row printed,
    /// up to the next added tokens that the template printed.
    pub(super) fn plain_ranges(&self, text: &str, printed: &[Printed]) -> Vec<Range<usize>> {
        let mut plain: Vec<Range<usize>> = Vec::new();
        let (mut start, mut has_token) = (0, false);
        let mut close = |range: Range<usize>, has_token: bool| {
            if has_token && !range.is_empty() {
                plain.push(range);
            }
        };
        let mut next = 0;
        for token in self.added.find_iter(text) {
            while printed.get(next).is_some_and(|value| value.span.end <= token.start()) {
                next += 1;
            }
            let of_row = printed[next..].iter().take_while(|value| value.span.start < token.end()).next().is_some();
            if of_row && self.forbidden[token.pattern().as_usize()] {
                has_token = true;
                continue;
            }
            close(start..token.start(), has_token);
            (start, has_token) = (token.end(), false);
        }
        close(start..text.len(), has_token);
        plain
    }
}

/// The error for a control token in `place`.
fn token_error(token: &str, place: &str) -> Error {
    let text = format!(
        "{place} has the control token {token}; remove it, or list it in `allowed_special_tokens`. In contents, \
         reasoning and tool calls, `special_tokens=\"text\"` encodes it as plain text"
    );
    Error::new(ErrorKind::ControlToken, text)
}

fn each_string<'a>(value: &'a Node<'_>, found: &mut impl FnMut(&'a str)) {
    match value {
        Node::Str(text) => found(text),
        Node::List(items) => items.iter().for_each(|item| each_string(item, found)),
        Node::Map(fields) => fields.iter().for_each(|(_, value)| each_string(value, found)),
        _ => {}
    }
}
