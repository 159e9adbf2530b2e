//! The verdict of the self-test: which engine a tokenizer uses, and what the reference said about it.
//!
//! The self-test takes a second, so its verdict is kept in the user's cache folder and passed on by pickling. A verdict
//! counts only for the same definition, versions of chatmill, of the engines and of the self-test, and processor.

mod store;

pub use store::VerdictStore;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::engines::VERSIONS;

/// The text of the self-test: with another test, verdicts do not count any longer.
const SELF_TEST: [&str; 2] = [include_str!("../self_test/mod.rs"), include_str!("../self_test/texts.rs")];

/// The verdict about the engines of a tokenizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// The fast engine that passed, by its name. None if none did.
    pub(super) engine: Option<String>,
    /// Why this engine is used, or why none can be.
    pub(super) reason: String,
    /// The blocks of characters for which the engine differs from the reference, ascending.
    pub(super) differing: Vec<u32>,
    /// Whether the vocabulary that is read from the definition equals that of the reference.
    pub(super) vocabulary_can_be_read: bool,
    /// See [`Tokenizer::prefix`](super::Tokenizer::prefix).
    pub(super) prefix: String,
    /// See [`Tokenizer::adds_space`](super::Tokenizer::adds_space).
    pub(super) adds_space: bool,
}

/// A verdict with the key of what it is about.
#[derive(Serialize, Deserialize)]
struct Keyed {
    key: String,
    verdict: Verdict,
}

impl Verdict {
    /// The verdict as JSON.
    pub(super) fn to_json(&self, key: &str) -> String {
        let keyed = Keyed { key: key.to_owned(), verdict: self.clone() };
        serde_json::to_string(&keyed).unwrap_or_default()
    }

    /// Reads a verdict. None if it is not valid, or not about `key`.
    pub(super) fn from_json(json: &str, key: &str) -> Option<Verdict> {
        let keyed: Keyed = serde_json::from_str(json).ok()?;
        (keyed.key == key).then_some(keyed.verdict)
    }
}

/// The key of a verdict about `definition`: a hash of all that the verdict depends on.
pub(super) fn key(definition: &str) -> String {
    let mut hash = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS, &features()] {
        hash.update(part);
        hash.update([0]);
    }
    for part in VERSIONS.iter().chain(&SELF_TEST) {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(definition);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The features of the processor for which engines have code of their own.
fn features() -> String {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("ssse3", std::arch::is_x86_feature_detected!("ssse3")),
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::arch::is_x86_feature_detected!("avx512bw")),
        ("avx512vl", std::arch::is_x86_feature_detected!("avx512vl")),
        ("avx512vbmi", std::arch::is_x86_feature_detected!("avx512vbmi")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
        ("sve2", std::arch::is_aarch64_feature_detected!("sve2")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    found.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn verdict() -> Verdict {
        Verdict {
            engine: Some("fastokens".to_owned()),
            reason: "equal".to_owned(),
            differing: vec![3, 9],
            vocabulary_can_be_read: true,
            prefix: "<s>".to_owned(),
            adds_space: false,
        }
    }

    #[test]
    fn a_verdict_counts_only_for_its_key() {
        let (one, other) = (key("{}"), key("{ }"));
        assert_ne!(one, other);
        let json = verdict().to_json(&one);
        assert_eq!(Verdict::from_json(&json, &one), Some(verdict()));
        assert_eq!(Verdict::from_json(&json, &other), None);
        assert_eq!(Verdict::from_json("{", &one), None);
    }
}
