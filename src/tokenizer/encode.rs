//! Encoding a text: as a whole, cut into segments, or with parts in which added tokens are plain text.

use std::ops::Range;

use super::alignment::{TokenSpan, token_spans};
use super::engines::{Aligned, Reference, TokenEncoder};
use super::{Tokenizer, Tokens};
use crate::error::{Error, ErrorKind, Result};

/// Whether [`Tokenizer::segments`] gives the byte end of every token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Yes.
    Wanted,
    /// No, which is faster.
    Unwanted,
}

impl Tokenizer {
    /// Appends the ids of `text`, as `tokenizers` gives them without adding special tokens.
    pub fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        match self.fast(text) {
            Some(fast) => fast.ids(text, ids),
            None => self.reference()?.ids(text, ids),
        }
    }

    /// Appends the ids of `text` and the byte end of each token.
    ///
    /// The text is cut at `cuts`, ascending byte positions, and each segment is encoded separately: no token crosses a
    /// cut.
    pub fn tokens(&self, text: &str, cuts: &[usize], tokens: &mut Tokens) -> Result<()> {
        let mut start = 0;
        for end in cuts.iter().copied().chain([text.len()]) {
            self.segment(text, start..end, tokens)?;
            start = end;
        }
        Ok(())
    }

    /// Replaces `tokens` with the tokens of `text`, and `spans` with the token spans between `edges`, ascending
    /// positions on character boundaries.
    ///
    /// This is the fast way to labels: it aligns the tokens around the edges only. The byte ends of the tokens are
    /// filled in only if the whole text had to be aligned.
    pub fn aligned(&self, text: &str, edges: &[usize], tokens: &mut Tokens, spans: &mut Vec<TokenSpan>) -> Result<()> {
        tokens.clear();
        spans.clear();
        let aligned = match self.fast(text) {
            Some(fast) => fast.aligned(text, edges, tokens, spans)?,
            None => Aligned::No,
        };
        if aligned == Aligned::No {
            self.tokens(text, &[], tokens)?;
            token_spans(text, &tokens.ends, edges, spans);
        }
        Ok(())
    }

    /// Replaces `tokens` with the tokens of `text`, cut at `cuts` as in [`tokens`](Self::tokens), and `spans` with one
    /// token span per segment, which ends where the segment ends.
    ///
    /// * `limit(index)`: how many tokens segment `index` may have. Its other tokens are dropped from the end.
    /// * `ends`: whether to give the byte end of each kept token. Positions count from the start of `text`.
    ///
    /// Returns whether any token was dropped.
    pub fn segments(
        &self,
        text: &str,
        cuts: &[usize],
        limit: impl Fn(usize) -> usize,
        ends: Ends,
        tokens: &mut Tokens,
        spans: &mut Vec<TokenSpan>,
    ) -> Result<bool> {
        tokens.clear();
        spans.clear();
        let (mut start, mut truncated) = (0, false);
        for (index, end) in cuts.iter().copied().chain([text.len()]).enumerate() {
            let (_, segment) = slice(text, start..end)?;
            let before = tokens.ids.len();
            if !segment.is_empty() {
                match ends {
                    Ends::Wanted => self.segment(text, start..end, tokens)?,
                    Ends::Unwanted => self.ids(segment, &mut tokens.ids)?,
                }
                let limit = before.saturating_add(limit(index));
                truncated |= tokens.ids.len() > limit;
                tokens.ids.truncate(limit);
                tokens.ends.truncate(limit);
            }
            spans.push(TokenSpan { tokens: tokens.ids.len(), end });
            start = end;
        }
        Ok(truncated)
    }

    /// Like [`tokens`](Self::tokens), but in the byte ranges `plain`, in ascending order, added tokens are encoded as
    /// plain text.
    pub fn tokens_with_plain(
        &self,
        text: &str,
        cuts: &[usize],
        plain: &[Range<usize>],
        tokens: &mut Tokens,
    ) -> Result<()> {
        if plain.is_empty() {
            return self.tokens(text, cuts, tokens);
        }
        let edges = plain.iter().flat_map(|range| [range.start, range.end]);
        let mut cuts: Vec<usize> = cuts.iter().copied().chain(edges).chain([text.len()]).collect();
        cuts.sort_unstable();
        let mut start = 0;
        for end in cuts {
            if plain.iter().any(|range| range.start <= start && end <= range.end) && start < end {
                self.plain_segment(text, start..end, tokens)?;
            } else {
                self.segment(text, start..end, tokens)?;
            }
            start = end;
        }
        Ok(())
    }

    /// Appends the ids of `text` and the byte end of each token. Returns the bytes that `tokenizers` reports for each
    /// token: whole characters, without trimmed text. Uses the reference engine, so it is slower.
    pub fn offsets(&self, text: &str, tokens: &mut Tokens) -> Result<Vec<Range<usize>>> {
        self.reference()?.offsets(text, tokens)
    }

    fn segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let (base, segment) = slice(text, bytes)?;
        let aligned = match self.fast(segment) {
            Some(fast) => fast.tokens(segment, base, tokens)?,
            None => Aligned::No,
        };
        if aligned == Aligned::No {
            self.reference()?.tokens(segment, base, tokens)?;
        }
        Ok(())
    }

    fn plain_segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let plain = self.plain.load(|| Reference::without_added_tokens(&self.definition));
        let plain = plain.as_ref().map_err(|error| {
            let text = format!(
                "control tokens cannot be encoded as plain text: the tokenizer {} does not load without its added \
                 tokens ({}); remove this row",
                self.name, error.text
            );
            Error::new(ErrorKind::ControlToken, text)
        })?;
        let before = tokens.ids.len();
        let (base, segment) = slice(text, bytes)?;
        plain.tokens(segment, base, tokens)?;
        // A vocabulary may also have the token as an ordinary token.
        match tokens.ids[before..].iter().find(|&&id| self.is_added(id)) {
            None => Ok(()),
            Some(id) => {
                let token = self.decode(&[*id]).unwrap_or_default();
                let text = format!(
                    "the control token {token:?} cannot be encoded as plain text: the vocabulary of {} has it as an \
                     ordinary token too; remove this row",
                    self.name
                );
                Err(Error::new(ErrorKind::ControlToken, text))
            }
        }
    }
}

/// A segment of `text`, with the position at which it starts.
fn slice(text: &str, bytes: Range<usize>) -> Result<(u32, &str)> {
    let base = u32::try_from(bytes.start).map_err(|_| too_long(text))?;
    match text.get(bytes.clone()) {
        Some(segment) => Ok((base, segment)),
        None => {
            let text = format!("a cut at byte {} is inside a character or out of order", bytes.end);
            Err(Error::new(ErrorKind::Internal, text))
        }
    }
}

fn too_long(text: &str) -> Error {
    let text = format!("the text has {} bytes, more than the limit of 4 GiB; split this row", text.len());
    Error::new(ErrorKind::TokenizerFailed, text)
}

#[cfg(test)]
mod tests {
    use super::super::EngineChoice;
    use super::*;

    fn tokenizers() -> [Tokenizer; 2] {
        [EngineChoice::Fast, EngineChoice::Reference].map(|choice| {
            let definition = include_str!("../../tests/data/byte_tokenizer.json");
            Tokenizer::new("bytes", definition, &[], choice).unwrap()
        })
    }

    #[test]
    fn no_token_crosses_a_cut() {
        for tokenizer in tokenizers() {
            let (mut whole, mut cut) = (Tokens::default(), Tokens::default());
            tokenizer.tokens("a</s>b", &[], &mut whole).unwrap();
            assert_eq!(whole.ends, [1, 5, 6]);
            tokenizer.tokens("a</s>b", &[3], &mut cut).unwrap();
            assert_eq!(cut.ends, [1, 2, 3, 4, 5, 6]);
            assert!(tokenizer.tokens("é", &[1], &mut cut).is_err());
            assert!(tokenizer.tokens("abc", &[2, 1], &mut cut).is_err());
        }
    }

    #[test]
    fn segments_are_truncated_each_on_its_own() {
        let text = "abc</s>dé";
        for tokenizer in tokenizers() {
            let (mut with, mut without) = (Tokens::default(), Tokens::default());
            let (mut spans, mut others) = (Vec::new(), Vec::new());
            // The first segment keeps two tokens, the second is empty, and the last keeps all.
            let limit = |index: usize| if index == 0 { 2 } else { 9 };
            assert!(tokenizer.segments(text, &[3, 3], limit, Ends::Wanted, &mut with, &mut spans).unwrap());
            assert!(tokenizer.segments(text, &[3, 3], limit, Ends::Unwanted, &mut without, &mut others).unwrap());
            assert_eq!(with.ends, [1, 2, 7, 8, 9, 10]);
            assert_eq!((&with.ids, &spans), (&without.ids, &others));
            assert!(without.ends.is_empty());
            assert_eq!(spans, [(2, 3), (2, 3), (6, 10)].map(|(tokens, end)| TokenSpan { tokens, end }));
            assert!(!tokenizer.segments(text, &[3], |_| 9, Ends::Wanted, &mut with, &mut spans).unwrap());
            assert_eq!(with.ids.len(), with.ends.len());
        }
    }
}
