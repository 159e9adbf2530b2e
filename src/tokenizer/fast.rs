//! `Fast`: an engine that gives ids only, with the bytes of the tokens that place them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::check::OddBlocks;
use super::fastokens::Fastokens;
use super::near::Anchors;
use super::pieces::Pieces;
use super::reference::Reference;
use super::stretch::{Stretch, stretches};
use super::tokenizers1::Tokenizers1;
use super::{Encoder, Placed, Tokens};
use crate::error::Result;

/// What a fast engine does: ids, and nothing else.
pub(super) trait Ids: Send + Sync {
    /// The crate behind the engine, with its version.
    fn version(&self) -> &'static str;

    /// Appends the ids of `text`.
    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()>;
}

pub(super) struct Fast {
    engine: Box<dyn Ids>,
    pieces: Arc<Pieces>,
    anchors: Option<Anchors>,
    odd: OddBlocks,
}

impl std::fmt::Debug for Fast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fast").field("version", &self.version()).field("odd", &self.odd).finish_non_exhaustive()
    }
}

/// An engine by the name of its crate, and how it is loaded.
pub(super) type Loader = (&'static str, fn(&str) -> std::result::Result<Box<dyn Ids>, String>);

/// The engines in the order in which they are tried. fastokens comes first because it is quicker, twice on Chinese
/// text (31 µs a row of smilechat against 74 µs); it knows byte-level BPE and little else.
pub(super) const LOADERS: [Loader; 2] = [
    ("fastokens", |definition| Ok(Box::new(Fastokens::new(definition)?))),
    ("tokenizers 1.0", |definition| Ok(Box::new(Tokenizers1::new(definition)?))),
];

impl Fast {
    /// Loads an engine. What it does not know it refuses, and a panic counts as a refusal.
    pub(super) fn new(loader: &Loader, definition: &str, reference: &Reference) -> std::result::Result<Fast, String> {
        let engine = catch_unwind(AssertUnwindSafe(|| loader.1(definition)))
            .unwrap_or_else(|_| Err("it panicked at load".to_owned()))?;
        let (pieces, anchors) = (reference.pieces(), reference.anchors());
        Ok(Fast { engine, pieces, anchors, odd: OddBlocks::default() })
    }

    /// Sets the characters that this engine is not to be asked about.
    pub(super) fn set_odd(&mut self, odd: OddBlocks) {
        self.odd = odd;
    }

    /// Whether this engine is known to encode `text` as the reference does.
    pub(super) fn suits(&self, text: &str) -> bool {
        !self.odd.touch(text)
    }

    pub(super) fn version(&self) -> &'static str {
        self.engine.version()
    }

    /// Leaves the ids of `text` in `tokens`, and the stretches between `edges` in `found`, both empty before. They stay
    /// empty when the tokens cannot be placed.
    pub(super) fn near(
        &self,
        text: &str,
        edges: &[usize],
        tokens: &mut Tokens,
        found: &mut Vec<Stretch>,
    ) -> Result<Placed> {
        self.engine.append(text, &mut tokens.ids)?;
        let near = |anchors: &Anchors| anchors.stretches(&self.pieces, &tokens.ids, text, edges, found);
        if self.anchors.as_ref().is_some_and(near) {
            return Ok(Placed::Yes);
        }
        found.clear();
        if self.pieces.place(&tokens.ids, text.as_bytes(), 0, &mut tokens.ends) {
            stretches(text, &tokens.ends, edges, found);
            return Ok(Placed::Yes);
        }
        tokens.clear();
        Ok(Placed::No)
    }
}

impl Encoder for Fast {
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        self.engine.append(text, ids)
    }

    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Placed> {
        let (first, before) = (tokens.ids.len(), tokens.ends.len());
        self.engine.append(text, &mut tokens.ids)?;
        if self.pieces.place(&tokens.ids[first..], text.as_bytes(), base, &mut tokens.ends) {
            return Ok(Placed::Yes);
        }
        tokens.ids.truncate(first);
        tokens.ends.truncate(before);
        Ok(Placed::No)
    }
}
