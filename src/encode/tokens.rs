//! Rows that are already tokenized: their ids and labels are checked and passed through.

use std::sync::Arc;

use super::cut::Cut;
use super::details::spelled;
use super::notes::Notes;
use super::parts::{Parts, Scratch};
use super::sample::SampleSink;
use super::truncate::truncate;
use crate::data::{Node, unexpected_number};
use crate::error::{Error, Result};
use crate::label::MASKED;
use crate::rows::TokensRow;
use crate::tokenizer::{Tokenizer, Tokens};

/// Encodes rows of tokens.
#[derive(Debug, Clone)]
pub(super) struct TokensEncoder {
    parts: Parts,
}

impl TokensEncoder {
    pub(super) fn new(parts: Parts) -> TokensEncoder {
        TokensEncoder { parts }
    }

    /// Checks a row and pushes its samples.
    pub(super) fn row(
        &self,
        row: &TokensRow<'_>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        let Parts { tokenizer, options, .. } = &self.parts;
        scratch.clear();
        let Scratch { tokens, labels, .. } = scratch;
        read(row, tokenizer, tokens, labels)?;
        self.parts.note_bos(&tokens.ids, notes);
        if let Some(figures) = sink.figures() {
            figures.push_sequence(0, 0, labels, &[]);
        }
        let details = if sink.wants_details() { Some(Arc::new(spelled(tokenizer, tokens)?)) } else { None };
        // `truncation="turns"` is refused for these rows, so no turn end is ever needed.
        let ranges = truncate(tokens.ids.len(), options.max_length, options.truncation, || Ok(Vec::new()))?;
        Cut { options, details, left_out_turns: false }.push(ranges, (tokens, labels, &[]), sink, notes).map(|_| ())
    }
}

/// Leaves ids and labels of a row in `tokens` and `labels`. Without labels all tokens are trained. Tokens that
/// `attention_mask` masks are padding, and are left out.
fn read(row: &TokensRow<'_>, tokenizer: &Tokenizer, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<()> {
    let ids = &row.input_ids;
    let (given, mask) = (row.labels.as_deref(), row.attention_mask.as_deref());
    for (name, other) in [("labels", given), ("attention_mask", mask)] {
        if let Some(other) = other.filter(|other| other.len() != ids.len()) {
            let (ids, others) = (ids.len(), other.len());
            let text = format!("the row has {ids} `input_ids` but {others} `{name}`; give one for each id");
            return Err(Error::wrong_type(text));
        }
    }
    let size = tokenizer.vocabulary_size();
    for (index, id) in ids.iter().enumerate() {
        let expected = || format!("a token id below {size}");
        let id = token(id, size).ok_or_else(|| wrong("input_ids", index, id, &expected()))?;
        let label = match given.map(|labels| &labels[index]) {
            None => id as i32,
            Some(Node::Int(label)) if *label == i64::from(MASKED) => MASKED,
            Some(label) => match token(label, size) {
                Some(label) => label as i32,
                None => return Err(wrong("labels", index, label, &format!("-100 or {}", expected()))),
            },
        };
        match mask.map(|mask| &mask[index]) {
            None | Some(Node::Int(1)) => {}
            Some(Node::Int(0)) => continue,
            Some(other) => return Err(wrong("attention_mask", index, other, "0 or 1")),
        }
        tokens.ids.push(id);
        labels.push(label);
    }
    Ok(())
}

fn token(node: &Node<'_>, size: usize) -> Option<u32> {
    match node {
        Node::Int(id) => u32::try_from(*id).ok().filter(|id| (*id as usize) < size),
        _ => None,
    }
}

fn wrong(name: &str, index: usize, found: &Node<'_>, expected: &str) -> Error {
    unexpected_number(&format!("`{name}[{index}]`"), expected, found)
}
