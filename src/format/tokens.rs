//! Rows that hold tokens already: they are checked and passed through.

use crate::conversation::{Conversation, Node, field};
use crate::error::{Error, Kind, Result};
use crate::label::MASKED;
use crate::tokenizer::{Tokenizer, Tokens};

/// Leaves the ids and labels of a row in `tokens` and `labels`. Without labels all is trained. Tokens that
/// `attention_mask` masks only fill the row up, and are left out.
pub(crate) fn read_tokens(
    row: &Conversation<'_>,
    tokenizer: &Tokenizer,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<()> {
    let list = |name: &str| match field(&row.variables, name) {
        Some(Node::List(items)) if !items.is_empty() => Some(items.as_slice()),
        _ => None,
    };
    let ids = list("input_ids").unwrap_or_default();
    if ids.is_empty() {
        return Err(Error::new(Kind::EmptyField, "the field input_ids is empty: the row has no tokens"));
    }
    let (given, mask) = (list("labels"), list("attention_mask"));
    for (name, other) in [("labels", given), ("attention_mask", mask)] {
        if let Some(other) = other.filter(|other| other.len() != ids.len()) {
            let text =
                format!("the row has {} input_ids and {} {name}: there must be one for each", ids.len(), other.len());
            return Err(Error::new(Kind::WrongType, text));
        }
    }
    let size = tokenizer.vocabulary_size();
    for (index, id) in ids.iter().enumerate() {
        let id = token(id, size).ok_or_else(|| wrong("input_ids", index, id, &format!("a token id below {size}")))?;
        let label = match given.map(|labels| &labels[index]) {
            None => id as i32,
            Some(Node::Int(label)) if *label == i64::from(MASKED) => MASKED,
            Some(label) => match token(label, size) {
                Some(label) => label as i32,
                None => return Err(wrong("labels", index, label, &format!("-100 or a token id below {size}"))),
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
    let found = match found {
        Node::Int(value) => value.to_string(),
        other => other.type_name().to_owned(),
    };
    Error::new(Kind::WrongType, format!("{name}[{index}] must be {expected}, found {found}"))
}
