//! fastokens: a fast engine for byte-level BPE.

use fastokens::Tokenizer;

use super::{IdEncoder, failed};
use crate::error::Result;

/// The crate and its version. Engines are pinned to one version; a test compares it with `Cargo.toml`.
pub(super) const VERSION: &str = "fastokens 0.3.5";

pub(super) struct Fastokens(Tokenizer);

impl Fastokens {
    pub(super) fn new(definition: &str) -> std::result::Result<Fastokens, String> {
        let mut inner = match from_memory(definition) {
            Some(inner) => inner,
            None => {
                let json = serde_json::from_str(definition).map_err(|error| error.to_string())?;
                Tokenizer::from_json(json).map_err(|error| error.to_string())?
            }
        };
        inner.set_truncation(None);
        inner.set_padding(None);
        Ok(Fastokens(inner))
    }
}

/// Loads from a file in memory, because the library reads a text only from a file: otherwise it takes a tree of values,
/// which takes 0.2 s of 0.8 s for qwen3. None where there are no such files, and for any error.
#[cfg(target_os = "linux")]
fn from_memory(definition: &str) -> Option<Tokenizer> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let file = rustix::fs::memfd_create("tokenizer.json", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    let mut file = std::fs::File::from(file);
    file.write_all(definition.as_bytes()).ok()?;
    // The library also reads a `tokenizer_config.json` beside the file. In this folder there is none.
    Tokenizer::from_file(format!("/proc/self/fd/{}", file.as_raw_fd()).as_ref()).ok()
}

#[cfg(not(target_os = "linux"))]
fn from_memory(_definition: &str) -> Option<Tokenizer> {
    None
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
