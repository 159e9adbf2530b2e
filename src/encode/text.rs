//! Plain text for pretraining, cut into overlapping windows as in axolotl. Each window has the tokens that the
//! tokenizer puts before a text, and a stop token at its end.

use std::ops::Range;
use std::sync::Arc;

use super::details::spelled;
use super::notes::{Note, Notes};
use super::parts::{Parts, Scratch, missing_token};
use super::sample::{Sample, SampleDetails, SampleSink};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::TextRow;

/// The most tokens that a window shares with the one before it.
const OVERLAP: usize = 256;

/// Encodes rows of plain text.
#[derive(Debug, Clone)]
pub(super) struct TextEncoder {
    parts: Parts,
    /// The tokens before each text.
    prefix: Vec<u32>,
    /// The token at the end of each window.
    eos: u32,
}

impl TextEncoder {
    pub(super) fn new(parts: Parts) -> Result<TextEncoder> {
        let tokenizer = &parts.tokenizer;
        let mut prefix = Vec::new();
        tokenizer.ids(&tokenizer.prefix(), &mut prefix)?;
        let eos = tokenizer.special_token_id("eos_token");
        let eos = eos.ok_or_else(|| missing_token(tokenizer, "eos_token", "plain text needs an `eos_token`"))?;
        if let Some(max) = parts.options.max_length {
            windows(0, max, prefix.len())?;
        }
        Ok(TextEncoder { parts, prefix, eos })
    }

    /// Encodes a row and pushes one sample for each window, all of it trained.
    pub(super) fn row(
        &self,
        row: &TextRow<'_>,
        scratch: &mut Scratch,
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<()> {
        let mut ids = Vec::new();
        self.parts.tokenizer.ids(&row.text, &mut ids)?;
        let windows = match self.parts.options.max_length {
            None => vec![0..ids.len()],
            Some(max) => windows(ids.len(), max, self.prefix.len())?,
        };
        if windows.len() > 1 {
            notes.add(Note::Truncated);
        }
        for window in windows {
            scratch.clear();
            let Scratch { tokens, labels, .. } = scratch;
            tokens.ids.extend_from_slice(&self.prefix);
            tokens.ids.extend_from_slice(&ids[window]);
            tokens.ids.push(self.eos);
            labels.extend(tokens.ids.iter().map(|&id| id as i32));
            if let Some(figures) = sink.figures() {
                figures.push_sequence(self.parts.tokenizer.spell(&tokens.ids)?.0.len(), 0, labels, &[]);
                figures.keep(&[0..labels.len()]);
            }
            let details =
                if sink.wants_details() { Some(Arc::new(spelled(&self.parts.tokenizer, tokens)?)) } else { None };
            let details =
                details.as_ref().map(|details| SampleDetails { details, ends: &tokens.ends, start: 0, answer: None });
            sink.push(Sample { ids: &tokens.ids, labels, weights: &[], details });
        }
        Ok(())
    }
}

/// The token ranges of the windows of a text with `length` tokens. A window, with `prefix` tokens before it and the
/// stop token, has at most `max` tokens.
fn windows(length: usize, max: usize, prefix: usize) -> Result<Vec<Range<usize>>> {
    let room = max.saturating_sub(1 + prefix);
    let overlap = OVERLAP.min(max.saturating_sub(1) / 2);
    let Some(step) = room.checked_sub(overlap).filter(|step| *step > 0) else {
        let text = format!(
            "`max_length` is {max}, too small for windows that overlap by {overlap} tokens; use at least {}",
            least(prefix)
        );
        return Err(Error::new(ErrorKind::Option, text));
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

/// The least `max_length` at which a window is longer than its overlap.
fn least(prefix: usize) -> usize {
    (1..).find(|max: &usize| max.saturating_sub(1 + prefix) > OVERLAP.min((max - 1) / 2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_and_cover_the_text() {
        // Of 12 tokens one is the stop token and one is the prefix; 5 are shared.
        assert_eq!(windows(10, 12, 1).unwrap(), [0..10]);
        assert_eq!(windows(20, 12, 1).unwrap(), [0..10, 5..15, 10..20]);
        assert_eq!(windows(21, 12, 1).unwrap(), [0..10, 5..15, 10..20, 15..21]);
        assert_eq!(windows(0, 12, 1).unwrap(), [0..0]);
        assert_eq!(windows(2000, 1025, 0).unwrap(), [0..1024, 768..1792, 1536..2000]);
    }

    #[test]
    fn a_window_too_small_says_how_large_it_must_be() {
        let error = windows(9, 2, 1).unwrap_err();
        assert_eq!(error.text, "`max_length` is 2, too small for windows that overlap by 0 tokens; use at least 4");
        for prefix in [0, 1, 7, 300] {
            assert!(windows(9, least(prefix), prefix).is_ok() && windows(9, least(prefix) - 1, prefix).is_err());
        }
    }
}
