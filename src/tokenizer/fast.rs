//! The fast engine: tokenizers 1.0. It gives ids only; the ends come from [`Pieces`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokenizers::pipeline::{EncodeOptions, Override, PipelineToken, PipelineTokenizer};

use super::check::OddBlocks;
use super::pieces::Pieces;
use super::{Encoder, Placed, Tokens};
use crate::error::{Error, Kind, Result};

pub(super) const VERSION: &str = "tokenizers 1.0.0-rc.3";

pub(super) struct Fast {
    inner: PipelineTokenizer,
    pieces: Arc<Pieces>,
    odd: OddBlocks,
}

impl std::fmt::Debug for Fast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fast").field("pieces", &self.pieces).field("odd", &self.odd).finish_non_exhaustive()
    }
}

const OPTIONS: EncodeOptions = EncodeOptions {
    add_special_tokens: false,
    encode_special_tokens: false,
    padding: Override::Off,
    truncation: Override::Off,
};

impl Fast {
    /// Loads the engine. It is a pre-release: what it does not know it refuses, and a panic counts as a refusal.
    pub(super) fn new(definition: &str, pieces: Arc<Pieces>) -> std::result::Result<Fast, String> {
        let load = || -> std::result::Result<PipelineTokenizer, String> {
            let canonical = tokenizers::canonicalize_str(definition).map_err(|error| error.to_string())?;
            tokenizers::from_json(&canonical).map_err(|error| error.to_string())
        };
        let inner = catch_unwind(AssertUnwindSafe(load)).map_err(|_| "it panicked at load".to_owned())??;
        Ok(Fast { inner, pieces, odd: OddBlocks::default() })
    }

    /// Sets the characters that this engine is not to be asked about.
    pub(super) fn set_odd(&mut self, odd: OddBlocks) {
        self.odd = odd;
    }

    /// Whether this engine is known to encode `text` as the reference does.
    pub(super) fn suits(&self, text: &str) -> bool {
        !self.odd.touch(text)
    }

    fn raw(&self, text: &str) -> Result<Vec<PipelineToken>> {
        let mut raw = Vec::with_capacity(text.len() / 3 + 8);
        self.inner
            .encode_into(text, &OPTIONS, &mut raw)
            .map_err(|error| Error::new(Kind::TokenizerFailed, format!("the tokenizer failed on the text: {error}")))?;
        Ok(raw)
    }
}

impl Encoder for Fast {
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        ids.extend(self.raw(text)?.iter().map(|token| token.id()));
        Ok(())
    }

    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Placed> {
        let raw = self.raw(text)?;
        let ids = PipelineToken::cast_slice(&raw);
        let before = tokens.ends.len();
        if !self.pieces.place(ids, text.as_bytes(), base, &mut tokens.ends) {
            tokens.ends.truncate(before);
            return Ok(Placed::No);
        }
        tokens.ids.extend_from_slice(ids);
        Ok(Placed::Yes)
    }
}
