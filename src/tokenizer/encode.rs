//! Encoding a text: whole, in segments, or with parts in which no added token is known.

use std::ops::Range;

use super::reference::Reference;
use super::{Encoder, Placed, Stretch, Tokenizer, Tokens, stretches};
use crate::error::{Error, Kind, Result};

impl Tokenizer {
    /// Appends the ids of `text`, as `tokenizers` gives them without adding special tokens.
    pub fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        match self.fast.as_ref().filter(|fast| fast.suits(text)) {
            Some(fast) => fast.ids(text, ids),
            None => self.reference.ids(text, ids),
        }
    }

    /// Appends ids and byte ends of `text`. It is cut at `cuts`, rising byte positions, and each segment is encoded on
    /// its own: no token crosses a cut.
    pub fn tokens(&self, text: &str, cuts: &[usize], tokens: &mut Tokens) -> Result<()> {
        let mut start = 0;
        for end in cuts.iter().copied().chain([text.len()]) {
            self.segment(text, start..end, tokens)?;
            start = end;
        }
        Ok(())
    }

    /// Leaves the ids of `text` in `tokens`, and in `found` the stretches between `edges`, rising positions between
    /// characters. The ends of the tokens are left out where they are not needed.
    pub fn tokens_near(
        &self,
        text: &str,
        edges: &[usize],
        tokens: &mut Tokens,
        found: &mut Vec<Stretch>,
    ) -> Result<()> {
        tokens.clear();
        found.clear();
        let placed = match self.fast.as_ref().filter(|fast| fast.suits(text)) {
            Some(fast) => fast.near(text, edges, tokens, found)?,
            None => Placed::No,
        };
        if placed == Placed::No {
            self.tokens(text, &[], tokens)?;
            stretches(text, &tokens.ends, edges, found);
        }
        Ok(())
    }

    /// Leaves the ids of `text` in `tokens`, cut at `cuts` as in [`tokens`](Self::tokens), with each segment a stretch
    /// in `found`. Of each segment only the first `most(index)` tokens stay; returns whether
    /// there were more. No token's end is told.
    pub fn tokens_of_segments(
        &self,
        text: &str,
        cuts: &[usize],
        most: impl Fn(usize) -> usize,
        tokens: &mut Tokens,
        found: &mut Vec<Stretch>,
    ) -> Result<bool> {
        tokens.clear();
        found.clear();
        let (mut start, mut shortened) = (0, false);
        for (index, end) in cuts.iter().copied().chain([text.len()]).enumerate() {
            let (_, segment) = slice(text, start..end)?;
            let before = tokens.ids.len();
            if !segment.is_empty() {
                self.ids(segment, &mut tokens.ids)?;
                let most = before.saturating_add(most(index));
                shortened |= tokens.ids.len() > most;
                tokens.ids.truncate(most);
            }
            found.push(Stretch { tokens: tokens.ids.len(), end });
            start = end;
        }
        Ok(shortened)
    }

    /// The same, and in `plain`, rising ranges of bytes, no added token is known: they are text like any other.
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

    /// Appends ids and ends of `text`, and gives the bytes that `tokenizers` says each token stands for: whole
    /// characters, and without what it trims. By the reference, so slower.
    pub fn offsets(&self, text: &str, tokens: &mut Tokens) -> Result<Vec<Range<usize>>> {
        self.reference.offsets(text, tokens)
    }

    fn segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let (base, segment) = slice(text, bytes)?;
        let placed = match self.fast.as_ref().filter(|fast| fast.suits(segment)) {
            Some(fast) => fast.tokens(segment, base, tokens)?,
            None => Placed::No,
        };
        if placed == Placed::No {
            self.reference.tokens(segment, base, tokens)?;
        }
        Ok(())
    }

    fn plain_segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let plain = self.plain.get_or_init(|| Reference::without_added_tokens(&self.definition));
        let plain = plain.as_ref().map_err(|error| {
            let text = format!("the tokenizer does not load without its added tokens: {}", error.text);
            Error::new(Kind::ControlToken, text)
        })?;
        let before = tokens.ids.len();
        let (base, segment) = slice(text, bytes)?;
        plain.tokens(segment, base, tokens)?;
        // A vocabulary may hold the token as an ordinary one as well.
        match tokens.ids[before..].iter().find(|&&id| self.is_added(id)) {
            None => Ok(()),
            Some(id) => {
                let text = format!("the tokenizer has no plain text for the control token {id}; leave the row out");
                Err(Error::new(Kind::ControlToken, text))
            }
        }
    }
}

/// A segment of `text`, and where it begins.
fn slice(text: &str, bytes: Range<usize>) -> Result<(u32, &str)> {
    let base = u32::try_from(bytes.start).map_err(|_| too_long(text))?;
    match text.get(bytes.clone()) {
        Some(segment) => Ok((base, segment)),
        None => {
            let why = format!("a cut at byte {} lies inside a character or out of order", bytes.end);
            Err(Error::new(Kind::Internal, why))
        }
    }
}

fn too_long(text: &str) -> Error {
    Error::new(Kind::TokenizerFailed, format!("the text has {} bytes; 4 GiB are the limit of a row", text.len()))
}

#[cfg(test)]
mod tests {
    use super::super::EngineChoice;
    use super::*;

    #[test]
    fn no_token_crosses_a_cut() {
        for choice in [EngineChoice::Fast, EngineChoice::Reference] {
            let definition = include_str!("../../tests/data/byte_tokenizer.json");
            let tokenizer = Tokenizer::new("bytes", definition, &[], choice).unwrap();
            let (mut whole, mut cut) = (Tokens::default(), Tokens::default());
            tokenizer.tokens("a</s>b", &[], &mut whole).unwrap();
            assert_eq!(whole.ends, [1, 5, 6]);
            tokenizer.tokens("a</s>b", &[3], &mut cut).unwrap();
            assert_eq!(cut.ends, [1, 2, 3, 4, 5, 6]);
            assert!(tokenizer.tokens("é", &[1], &mut cut).is_err());
            assert!(tokenizer.tokens("abc", &[2, 1], &mut cut).is_err());
        }
    }
}
