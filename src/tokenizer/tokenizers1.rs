//! A fast engine for all kinds of tokenizers: tokenizers 1.0, a pre-release. It gives ids only.

use tokenizers::pipeline::{EncodeOptions, Override, PipelineToken, PipelineTokenizer};

use super::fast::Ids;
use crate::error::{Error, Kind, Result};

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

impl Ids for Tokenizers1 {
    fn version(&self) -> &'static str {
        "tokenizers 1.0.0-rc.3"
    }

    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let mut raw: Vec<PipelineToken> = Vec::with_capacity(text.len() / 3 + 8);
        self.0
            .encode_into(text, &OPTIONS, &mut raw)
            .map_err(|error| Error::new(Kind::TokenizerFailed, format!("the tokenizer failed on the text: {error}")))?;
        ids.extend_from_slice(PipelineToken::cast_slice(&raw));
        Ok(())
    }
}
