//! tokenizers 1.0, a pre-release: a fast engine for all kinds of tokenizers.

use tokenizers::pipeline::{EncodeOptions, Override, PipelineToken, PipelineTokenizer};

use super::{IdEncoder, failed};
use crate::error::Result;

/// The crate and its version. Engines are pinned to one version; a test compares it with `Cargo.toml`.
pub(super) const VERSION: &str = "tokenizers 1.0.0-rc.3";

pub(super) struct Tokenizers1(PipelineTokenizer);

const OPTIONS: EncodeOptions = EncodeOptions {
    add_special_tokens: false,
    encode_special_tokens: false,
    padding: Override::Off,
    truncation: Override::Off,
};

impl Tokenizers1 {
    pub(super) fn new(definition: &str) -> std::result::Result<Tokenizers1, String> {
        let canonical = tokenizers::canonicalize_str(definition).map_err(|error| error.to_string())?;
        tokenizers::from_json(&canonical).map(Tokenizers1).map_err(|error| error.to_string())
    }
}

impl IdEncoder for Tokenizers1 {
    fn version(&self) -> &'static str {
        VERSION
    }

    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let mut raw: Vec<PipelineToken> = Vec::with_capacity(text.len() / 3 + 8);
        self.0.encode_into(text, &OPTIONS, &mut raw).map_err(failed)?;
        ids.extend_from_slice(PipelineToken::cast_slice(&raw));
        Ok(())
    }
}
