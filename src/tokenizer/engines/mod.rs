//! Engines: the libraries that turn text into token ids, behind one trait.
//!
//! The reference is tokenizers 0.23, which transformers uses. Two fast engines give the same ids in less time:
//! fastokens and tokenizers 1.0. They give ids only; the offsets come from [`alignment`](super::alignment).

mod choice;
mod differing;
mod fast;
mod fastokens;
mod reference;
mod tokenizers1;

pub use choice::{Engine, EngineChoice, EngineName};
pub(super) use differing::{BLOCK, DifferingBlocks};
pub(super) use fast::{Fast, LOADERS, Loader};
pub(super) use reference::Reference;

use super::tokens::Tokens;
use crate::error::{Error, ErrorKind, Result};

/// The crates of all engines, with their versions.
pub(super) const VERSIONS: [&str; 3] = [fastokens::VERSION, tokenizers1::VERSION, reference::VERSION];

/// Whether the offsets of the tokens of a text are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aligned {
    /// Yes; all offsets are proved.
    Yes,
    /// No. Use the reference for this text.
    No,
}

/// An engine that turns text into tokens.
pub(super) trait TokenEncoder: std::fmt::Debug + Send + Sync {
    /// Appends the ids of `text`. Adds no special tokens that the text does not contain.
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()>;

    /// Appends the ids of `text` and the byte end of each token, counted from `base`. Appends nothing if the tokens
    /// cannot be aligned.
    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Aligned>;
}

/// A fast engine: it gives ids and no offsets.
pub(super) trait IdEncoder: Send + Sync {
    /// The crate and its version.
    fn version(&self) -> &'static str;

    /// Appends the ids of `text`.
    fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()>;
}

/// The error for a text that an engine cannot encode.
fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::TokenizerFailed,
        format!(
            "the tokenizer cannot encode this text ({error}); use a tokenizer with an unknown token, or remove the row"
        ),
    )
}

#[cfg(test)]
mod tests {
    /// The version that `Cargo.toml` requires of a dependency.
    fn required(name: &str) -> &'static str {
        let manifest = include_str!("../../../Cargo.toml");
        let prefix = format!("{name} = ");
        let line = manifest.lines().find_map(|line| line.strip_prefix(prefix.as_str())).expect(name);
        let (_, version) = line.split_once("version = \"").expect(line);
        version.split('"').next().unwrap().trim_start_matches('=')
    }

    #[test]
    fn versions_are_those_of_the_manifest() {
        for (dependency, name, version) in [
            ("fastokens", "fastokens", super::fastokens::VERSION),
            ("tokenizers", "tokenizers", super::tokenizers1::VERSION),
            ("tokenizers-reference", "tokenizers", super::reference::VERSION),
        ] {
            assert_eq!(version, format!("{name} {}", required(dependency)), "{dependency}");
        }
    }
}
