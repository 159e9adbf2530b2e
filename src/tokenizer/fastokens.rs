//! A fast engine for byte-level BPE: fastokens. It gives ids only; the ends come from `Pieces`.

use fastokens::Tokenizer;

use super::fast::Ids;
use crate::error::{Error, Kind, Result};

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

impl Ids for Fastokens {
    fn version(&self) -> &'static str {
        "fastokens 0.3.5"
    }

    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let found = self
            .0
            .encode(text)
            .map_err(|error| Error::new(Kind::TokenizerFailed, format!("the tokenizer failed on the text: {error}")))?;
        if ids.is_empty() {
            *ids = found;
        } else {
            ids.extend_from_slice(&found);
        }
        Ok(())
    }
}
