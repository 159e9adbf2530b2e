//! Text for pretraining, as axolotl cuts it: windows of tokens that overlap, each with what the tokenizer puts before a
//! text and a stop token behind.

use super::Mill;
use super::run::Run;
use super::sample::Scratch;
use super::tally::{Note, Notes};
use crate::conversation::{Conversation, Node, field};
use crate::error::{Error, Kind, Result};

/// Tokens that a window shares with the one before it, at most.
const OVERLAP: usize = 256;

impl Mill {
    /// One sample for each window of a text, all of it trained.
    pub(super) fn windows(&self, row: &Conversation<'_>, scratch: &mut Scratch, run: &mut Run) -> Result<Notes> {
        let mut notes = Notes::default();
        let text = field(&row.variables, "text").and_then(Node::as_str).unwrap_or_default();
        let (mut ids, mut before) = (Vec::new(), Vec::new());
        self.tokenizer.ids(text, &mut ids)?;
        self.tokenizer.ids(&self.tokenizer.prefix(), &mut before)?;
        let eos = self.tokenizer.special_token("eos_token").and_then(|token| self.tokenizer.token_to_id(token));
        let Some(eos) = eos else {
            let text = format!("windows end in eos_token, and {} has none", self.tokenizer.name());
            return Err(Error::new(Kind::Option, text));
        };
        let windows = match self.options.max_length {
            None => vec![0..ids.len()],
            Some(most) => windows(ids.len(), most, before.len())?,
        };
        if windows.len() > 1 {
            notes.note(Note::Truncated);
        }
        for window in windows {
            scratch.clear();
            let tokens = &mut scratch.tokens.ids;
            tokens.extend_from_slice(&before);
            tokens.extend_from_slice(&ids[window]);
            tokens.push(eos);
            scratch.labels.extend(tokens.iter().map(|&id| id as i32));
            run.push(scratch, 0..scratch.labels.len());
        }
        Ok(notes)
    }
}

/// The tokens of each window of a text of `length` tokens: `most` with those before it and the stop token.
fn windows(length: usize, most: usize, before: usize) -> Result<Vec<std::ops::Range<usize>>> {
    let room = most.saturating_sub(1 + before);
    let overlap = OVERLAP.min(most.saturating_sub(1) / 2);
    let Some(step) = room.checked_sub(overlap).filter(|step| *step > 0) else {
        let text =
            format!("max_length is {most}: windows that overlap by {overlap} tokens do not get on; take a greater one");
        return Err(Error::new(Kind::Option, text));
    };
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        let end = length.min(start + room);
        found.push(start..end);
        if end == length {
            return Ok(found);
        }
        start += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_and_cover_the_text() {
        // Of 12 tokens one is the stop token and one stands before; 5 are shared.
        assert_eq!(windows(10, 12, 1).unwrap(), [0..10]);
        assert_eq!(windows(20, 12, 1).unwrap(), [0..10, 5..15, 10..20]);
        assert_eq!(windows(21, 12, 1).unwrap(), [0..10, 5..15, 10..20, 15..21]);
        assert_eq!(windows(0, 12, 1).unwrap(), [0..0]);
        assert_eq!(windows(2000, 1025, 0).unwrap(), [0..1024, 768..1792, 1536..2000]);
        assert!(windows(9, 2, 1).is_err());
    }
}
