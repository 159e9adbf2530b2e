//! fastokens: a fast engine for byte-level BPE.

use fastokens::Tokenizer;

use super::{IdEncoder, failed};
use crate::error::Result;

/// The crate and its version. Engines are pinned to one version; a test compares it with `Cargo.toml`.
pub(super) const VERSION: &str = "fastokens 0.3.5";

pub(super) struct Fastokens(Tokenizer);

impl Fastokens {
    pub(super) fn new(definition: &str) -> std::result::Result<Fastokens, String> {
        let json = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        let mut inner = Tokenizer::from_json(json).map_err(|error| error.to_string())?;
        inner.set_truncation(None);
        inner.set_padding(None);
        Ok(Fastokens(inner))
    }
}

impl IdEncoder for Fastokens {
    fn version(&self) -> &'static str {
        VERSION
    }

    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let found = self.0.encode(text).map_err(failed)?;
        if ids.is_empty() {
            *ids = found;
        } else {
            ids.extend_from_slice(&found);
        }
        Ok(())
    }
}
