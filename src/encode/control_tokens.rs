//! `ControlTokens`: keeps control tokens in the values of rows from becoming control tokens of the model.
//!
//! An added token is a control token if it is special, or if the template writes it. Control tokens are searched in the
//! rendered text, so it does not matter how the template builds it: a token counts as the template's only if every byte
//! of it is text of the template. Otherwise the row is an error, or the text around the token, up to the template's own
//! tokens, is encoded without added tokens, as if the vocabulary did not have the token.
//!
//! A tokenizer may also make a control token of other text, for example by normalization. So the ids are checked too.

use std::collections::HashSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use chatjinja::is_space;

use super::control_edges::ControlEdges;
use super::{Options, SpecialTokens};
use crate::data::Node;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::Conversation;
use crate::template::ChatTemplate;
use crate::tokenizer::{AddedToken, Tokenizer, Tokens};

/// Finds control tokens.
#[derive(Debug)]
pub(super) struct ControlTokens {
    /// All added tokens, found as the tokenizer finds them: leftmost, then longest.
    added: AhoCorasick,
    tokens: Vec<String>,
    /// Whether each of them is a control token that rows may not write.
    forbidden: Vec<bool>,
    /// What tells that a text of a row has no forbidden token, without searching.
    edges: ControlEdges,
    /// The ids of the forbidden ones.
    ids: HashSet<u32>,
    /// Whether only their own texts become forbidden tokens, so that ids need no check.
    are_certain: bool,
    /// Whether the tokenizer finds all forbidden ones that the template writes, so that their number tells enough.
    are_countable: bool,
    /// Whether a forbidden token of a row is an error.
    raises: bool,
}

/// The control tokens of a rendered text.
#[derive(Debug, Default)]
pub(super) struct FoundTokens {
    /// The places of those that the template wrote, in the order of the text.
    of_template: Vec<Range<usize>>,
    /// The ranges to encode without added tokens: around each control token that a value of the row wrote, up to the
    /// next added tokens that are allowed.
    pub(super) plain: Vec<Range<usize>>,
    /// Whether the ids of the text need no check.
    is_certain: bool,
}

impl ControlTokens {
    /// The control tokens of a tokenizer with a template; None if values of rows may write them.
    pub(super) fn new(tokenizer: &Tokenizer, template: &ChatTemplate, options: &Options) -> Result<Option<Self>> {
        if options.special_tokens == SpecialTokens::Allow {
            return Ok(None);
        }
        let tokens = tokenizer.added_tokens();
        let in_template = |text: &str| {
            !text.trim_matches(is_space).is_empty()
                && (template.source().contains(text) || template.tool_use().is_some_and(|source| source.contains(text)))
        };
        let added = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(tokens.iter().map(|token| &token.text))
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        let is_forbidden = |token: &AddedToken| {
            (token.special || in_template(&token.text)) && !options.allowed_special_tokens.contains(&token.text)
        };
        let forbidden: Vec<bool> = tokens.iter().map(is_forbidden).collect();
        // Text that the vocabulary lacks becomes the unknown token. This gives a row no control, unless the token has
        // another use too, as in GPT-2.
        let uses = |text: &str| tokenizer.special_tokens().iter().filter(|(_, token)| token == text).count();
        let unknown = tokenizer.special_token("unk_token").filter(|text| uses(text) == 1);
        let unknown = unknown.and_then(|text| tokenizer.token_to_id(text));
        let control = || tokens.iter().zip(&forbidden).filter(|(_, forbidden)| **forbidden).map(|(token, _)| token);
        let ids = control().filter_map(|token| tokenizer.token_to_id(&token.text));
        let is_unknown = |token: &AddedToken| unknown.is_some() && tokenizer.token_to_id(&token.text) == unknown;
        Ok(Some(ControlTokens {
            added,
            ids: ids.filter(|id| Some(*id) != unknown).collect(),
            edges: ControlEdges::new(control().map(|token| token.text.as_bytes())),
            are_certain: control().all(|token| token.is_only_its_text || is_unknown(token)),
            are_countable: control().all(|token| token.is_always_found),
            forbidden,
            tokens: tokens.iter().map(|token| token.text.clone()).collect(),
            raises: options.special_tokens == SpecialTokens::Raise,
        }))
    }

    /// The control tokens of `text`, the rendered text of `conversation`. `written` are the bytes that no value of the
    /// row can change.
    ///
    /// # Errors
    ///
    /// Fails if control tokens of rows are refused and there is one.
    pub(super) fn find(
        &self,
        text: &str,
        written: &[Range<usize>],
        conversation: &Conversation<'_>,
    ) -> Result<FoundTokens> {
        if self.are_certain && self.edges.are_clear(text.as_bytes(), written) {
            return Ok(FoundTokens { is_certain: true, ..FoundTokens::default() });
        }
        let mut found = FoundTokens::default();
        let (mut start, mut has_token) = (0, false);
        for token in self.added.find_iter(text) {
            let pattern = token.pattern().as_usize();
            if self.forbidden[pattern] {
                if !covers(written, token.range()) {
                    if self.raises {
                        return Err(self.error(&self.tokens[pattern], conversation));
                    }
                    has_token = true;
                    continue;
                }
                found.of_template.push(token.range());
            }
            found.close(start..token.start(), has_token);
            (start, has_token) = (token.end(), false);
        }
        found.close(start..text.len(), has_token);
        Ok(found)
    }

    /// Checks that all control tokens among the ids of `text` are those that the template wrote. `tokens` are the
    /// tokens of the text. Their ends may be missing.
    ///
    /// # Errors
    ///
    /// Fails if the tokenizer makes a control token of text that a value of the row wrote.
    pub(super) fn check_ids(
        &self,
        found: &FoundTokens,
        text: &str,
        tokenizer: &Tokenizer,
        tokens: &Tokens,
    ) -> Result<()> {
        if found.is_certain {
            return Ok(());
        }
        let is_control = |id: u32| tokenizer.is_added(id) && self.ids.contains(&id);
        let count = tokens.ids.iter().filter(|id| is_control(**id)).count();
        if count == 0 || self.are_countable && count == found.of_template.len() {
            return Ok(());
        }
        // The tokenizer may miss a token of the template and make another one of the row's text: compare the places.
        let mut aligned = Tokens::default();
        let tokens = match tokens.ends.len() == tokens.ids.len() {
            true => tokens,
            false => {
                tokenizer.tokens(text, &[], &mut aligned)?;
                &aligned
            }
        };
        let mut start = 0;
        for (&id, &end) in tokens.ids.iter().zip(&tokens.ends) {
            let place = start..end as usize;
            start = place.end;
            let of_template = |token: &Range<usize>| place.start <= token.start && token.end <= place.end;
            if is_control(id) && !found.of_template.iter().any(of_template) {
                let token = tokenizer.decode(&[id]).unwrap_or_default();
                let source = text.get(place).unwrap_or_default();
                let text = format!(
                    "the tokenizer {} encodes the text {source:?} of the row as the control token {token}; remove this \
                     text, or list {token} in `allowed_special_tokens`",
                    tokenizer.name()
                );
                return Err(Error::new(ErrorKind::ControlToken, text));
            }
        }
        Ok(())
    }

    /// The error for `token`, with the value of the row that has it.
    fn error(&self, token: &str, conversation: &Conversation<'_>) -> Error {
        let (place, message) = place_of(token, conversation);
        let text = format!(
            "{place} has the control token {token}; remove it, list it in `allowed_special_tokens`, or encode it as plain \
             text with `special_tokens=\"text\"`"
        );
        let error = Error::new(ErrorKind::ControlToken, text);
        match message {
            Some(message) => error.at_message(message),
            None => error,
        }
    }
}

impl FoundTokens {
    /// Ends the part of the text between two tokens of the template.
    fn close(&mut self, range: Range<usize>, has_token: bool) {
        if has_token && !range.is_empty() {
            self.plain.push(range);
        }
    }
}

/// Whether one of the ranges covers `part`. The ranges do not touch.
fn covers(ranges: &[Range<usize>], part: Range<usize>) -> bool {
    let after = ranges.partition_point(|range| range.start <= part.start);
    ranges[..after].last().is_some_and(|range| part.end <= range.end)
}

/// The value of a row that has `token`, and the index of its message.
fn place_of(token: &str, conversation: &Conversation<'_>) -> (String, Option<usize>) {
    let Conversation { messages, tools, documents, variables, .. } = conversation;
    for (index, message) in messages.iter().enumerate() {
        let found = message.iter().find(|(name, value)| name.contains(token) || has_text(value, token));
        if let Some((name, _)) = found {
            return (format!("`{name}` of the message"), Some(index));
        }
    }
    for (name, value) in [("tools", tools), ("documents", documents)] {
        if value.as_ref().is_some_and(|value| has_text(value, token)) {
            return (format!("`{name}`"), None);
        }
    }
    let variable = variables.iter().find(|(_, value)| has_text(value, token));
    match variable {
        Some((name, _)) => (format!("the template variable `{name}`"), None),
        None => ("the text that the template makes of the row".to_owned(), None),
    }
}

/// Whether a string or a key in `value` contains `token`.
fn has_text(value: &Node<'_>, token: &str) -> bool {
    match value {
        Node::Str(text) => text.contains(token),
        Node::List(items) => items.iter().any(|item| has_text(item, token)),
        Node::Map(fields) => fields.iter().any(|(name, value)| name.contains(token) || has_text(value, token)),
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::BigInt(_) | Node::Float(_) => false,
    }
}
