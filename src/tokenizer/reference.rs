//! The reference engine: tokenizers 0.23, what transformers runs.

use std::ops::Range;
use std::sync::Arc;

use tk::Model as _;
use tokenizers_reference as tk;

use super::near::Anchors;
use super::pieces::{Alphabet, Pieces};
use super::{AddedToken, Encoder, Placed, Tokens};
use crate::error::{Error, Kind, Result};

pub(super) const VERSION: &str = "tokenizers 0.23";

#[derive(Debug)]
pub(super) struct Reference {
    inner: tk::Tokenizer,
    pieces: Arc<Pieces>,
}

impl Reference {
    pub(super) fn new(definition: &str) -> Result<Reference> {
        let mut inner = tk::Tokenizer::from_bytes(definition.as_bytes()).map_err(|error| {
            Error::new(Kind::TokenizerLoad, format!("not a tokenizer.json that tokenizers can load: {error}"))
        })?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| Error::new(Kind::TokenizerLoad, error.to_string()))?;
        let pieces = Arc::new(pieces(&inner));
        Ok(Reference { inner, pieces })
    }

    /// The bytes of the tokens.
    pub(super) fn pieces(&self) -> Arc<Pieces> {
        Arc::clone(&self.pieces)
    }

    /// The added tokens as anchors, where they can be.
    pub(super) fn anchors(&self) -> Option<Anchors> {
        let added = self.inner.get_added_tokens_decoder();
        let alphabet = alphabet(&self.inner);
        let normalized = match self.inner.get_normalizer() {
            None => false,
            Some(tk::NormalizerWrapper::Sequence(steps)) => !steps.as_ref().is_empty(),
            Some(_) => true,
        };
        let is_cut_out = |id: u32, token: &tk::AddedToken| {
            let changed = token.normalized && normalized;
            let as_it_stands = !(token.single_word || token.lstrip || token.rstrip || changed);
            // A token of the model may stand for other bytes than its name shows: `Ġ` for a space, `<0x0A>` for a line break.
            let of_model = self.inner.get_model().id_to_token(id).and_then(|name| alphabet.bytes(&name));
            as_it_stands && of_model.is_none_or(|bytes| bytes == token.content.as_bytes())
        };
        let all = added.iter().all(|(id, token)| is_cut_out(*id, token));
        all.then(|| Anchors::new(added.iter().map(|(id, token)| (*id, token.content.as_str()))))
    }

    /// The added tokens, in the order of their ids.
    pub(super) fn added_tokens(&self) -> Vec<AddedToken> {
        let mut tokens: Vec<_> = self.inner.get_added_tokens_decoder().into_iter().collect();
        tokens.sort_by_key(|(id, _)| *id);
        let added = tokens.into_iter().map(|(_, token)| AddedToken { text: token.content, special: token.special });
        added.collect()
    }

    /// The same tokenizer without its added tokens: to it they are text like any other.
    pub(super) fn without_added_tokens(definition: &str) -> Result<Reference> {
        let failed = |error: String| Error::new(Kind::TokenizerLoad, error);
        let mut json: serde_json::Value =
            serde_json::from_str(definition).map_err(|error| failed(error.to_string()))?;
        json["added_tokens"] = serde_json::Value::Array(Vec::new());
        // A post-processor may insist on tokens that are gone, and is not asked here.
        json["post_processor"] = serde_json::Value::Null;
        Reference::new(&json.to_string())
    }

    /// Whether a segment gets a space that the text lacks.
    pub(super) fn adds_space(&self) -> bool {
        let first = |text: &str| self.inner.encode_fast(text, false).ok()?.get_ids().first().copied();
        let token = first("a").and_then(|id| self.inner.id_to_token(id));
        token.is_some_and(|token| token.starts_with('▁'))
    }

    /// The text of the tokens that the tokenizer itself puts before a text.
    pub(super) fn prefix(&self) -> String {
        let ids =
            |special: bool| self.inner.encode_fast("a", special).map(|it| it.get_ids().to_vec()).unwrap_or_default();
        let (with, without) = (ids(true), ids(false));
        let before = with.windows(without.len().max(1)).position(|window| window == without).unwrap_or(0);
        with[..before].iter().filter_map(|id| self.inner.id_to_token(*id)).collect()
    }

    /// Appends ids and ends of `text`, and gives the bytes that tokenizers says each token stands for.
    pub(super) fn offsets(&self, text: &str, tokens: &mut Tokens) -> Result<Vec<Range<usize>>> {
        let encoding = self.inner.encode(text, false).map_err(failed)?;
        tokens.ids.extend_from_slice(encoding.get_ids());
        append_ends(encoding.get_offsets(), 0, &mut tokens.ends);
        Ok(encoding.get_offsets().iter().map(|&(start, end)| start..end).collect())
    }

    pub(super) fn vocabulary_size(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn is_added(&self, id: u32) -> bool {
        self.pieces.is_added(id)
    }

    pub(super) fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(|error| Error::new(Kind::TokenizerFailed, error.to_string()))
    }

    pub(super) fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }
}

/// The bytes of the tokens, in the alphabet of the decoder.
fn pieces(inner: &tk::Tokenizer) -> Pieces {
    let added = inner.get_added_tokens_decoder();
    let vocabulary = inner.get_vocab(false);
    let entries = vocabulary.iter().map(|(token, id)| (token.as_str(), *id, false));
    let added = added.iter().map(|(id, token)| (token.content.as_str(), *id, true));
    Pieces::new(alphabet(inner), entries.chain(added))
}

fn alphabet(inner: &tk::Tokenizer) -> Alphabet {
    let byte_level = inner.get_decoder().is_some_and(|decoder| format!("{decoder:?}").contains("ByteLevel"));
    if byte_level { Alphabet::Bytes } else { Alphabet::Metaspace }
}

fn failed(error: tk::Error) -> Error {
    Error::new(Kind::TokenizerFailed, format!("the tokenizer failed on the text: {error}"))
}

impl Encoder for Reference {
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        ids.extend_from_slice(self.inner.encode_fast(text, false).map_err(failed)?.get_ids());
        Ok(())
    }

    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Placed> {
        let encoding = self.inner.encode(text, false).map_err(failed)?;
        tokens.ids.extend_from_slice(encoding.get_ids());
        // Offsets name whole characters, and leave out what the tokenizer trims: the bytes tell more where they fit.
        let before = tokens.ends.len();
        if !self.pieces.place(encoding.get_ids(), text.as_bytes(), base, &mut tokens.ends) {
            tokens.ends.truncate(before);
            append_ends(encoding.get_offsets(), base, &mut tokens.ends);
        }
        Ok(Placed::Yes)
    }
}

/// Appends the ends of tokens with these (start, end) offsets.
///
/// Tokens that end with the same character, as the pieces of an emoji do, share out its bytes, so that each has some.
/// Where there are more tokens than bytes, the first ones have none: such a token, like the space that SentencePiece
/// puts before a segment, goes with the byte that follows.
fn append_ends(offsets: &[(usize, usize)], base: u32, ends: &mut Vec<u32>) {
    let mut last = 0;
    for run in offsets.chunk_by(|left, right| left.1 == right.1 && right.0 < right.1) {
        // Only the first token may begin before the character that they share.
        let (character, end) = (run[run.len() - 1].0.max(last), run[0].1.max(last));
        let (count, bytes) = (run.len(), end.saturating_sub(character));
        for index in 1..=count {
            let shared = if bytes >= count { character + bytes * index / count } else { character };
            last = if index == count { end } else { shared.max(last) };
            ends.push(base + last as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_character_share_its_bytes() {
        let mut ends = Vec::new();
        append_ends(&[(0, 1), (1, 5), (1, 5), (1, 5), (6, 7), (7, 11), (8, 11)], 10, &mut ends);
        assert_eq!(ends, [11, 12, 13, 15, 17, 19, 21]);
    }

    #[test]
    fn a_token_without_bytes_stands_before_the_next_one() {
        let mut ends = Vec::new();
        append_ends(&[(0, 4), (4, 5), (4, 5), (5, 5), (5, 6)], 0, &mut ends);
        assert_eq!(ends, [4, 4, 5, 5, 6]);
    }
}
