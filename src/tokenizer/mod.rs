//! Tokenizing: a text goes in, token ids and the byte end of each token come out.
//!
//! Behind [`Encoder`] stand fast engines that give ids only (fastokens, tokenizers 1.0) and the reference (tokenizers
//! 0.23). A tokenizer takes the first fast one that a check at load finds equal, and still asks
//! the reference about every text with characters that the check found odd, and about every text whose tokens cannot
//! be placed byte for byte.

mod check;
mod encode;
mod fast;
mod fastokens;
mod near;
mod pieces;
mod reference;
mod stretch;
mod tokenizers1;

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};
use fast::Fast;
use reference::Reference;
pub use stretch::{Stretch, stretches};

/// Token ids of a text, and where each token ends in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The ids.
    pub ids: Vec<u32>,
    /// The byte end of each token; never decreasing. A token begins where the one before it ends. Empty where nobody
    /// asked for them.
    pub ends: Vec<u32>,
}

impl Tokens {
    /// Forgets all tokens and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
    }
}

/// A token that stands for itself, whatever stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedToken {
    /// Its text.
    pub text: String,
    /// Whether it steers the model and is no text of its own.
    pub special: bool,
}

/// Whether an engine knows where its tokens lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// Every end is proved.
    Yes,
    /// The ends of this text are not known to this engine.
    No,
}

/// An engine: what turns text into tokens.
pub trait Encoder: std::fmt::Debug + Send + Sync {
    /// Appends the ids of `text`, without special tokens that the text does not show.
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()>;

    /// Appends ids and ends of `text`; the ends count from `base`. Appends nothing when they cannot be placed.
    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Placed>;
}

/// The engine in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// fastokens or tokenizers 1.0.
    Fast,
    /// tokenizers 0.23.
    Reference,
}

/// Which engine encodes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The engine.
    pub name: EngineName,
    /// The crate behind it, with its version.
    pub version: &'static str,
    /// Why this one, in one sentence.
    pub reason: String,
}

impl Engine {
    /// `fast` or `reference`.
    pub fn name(&self) -> &'static str {
        match self.name {
            EngineName::Fast => "fast",
            EngineName::Reference => "reference",
        }
    }
}

/// Which engine the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// The fast one where it proves equal, else the reference.
    Auto,
    /// The fast one, or an error.
    Fast,
    /// The reference.
    Reference,
}

/// A tokenizer, loaded once and shared by all threads.
#[derive(Debug)]
pub struct Tokenizer {
    name: String,
    definition: String,
    special_tokens: Vec<(String, String)>,
    stop_tokens: Vec<String>,
    added_tokens: Vec<AddedToken>,
    reference: Reference,
    /// The same without added tokens; loaded when it is first needed.
    plain: OnceLock<Result<Reference>>,
    fast: Option<Fast>,
    engine: Engine,
    choice: EngineChoice,
}

impl Tokenizer {
    /// Loads a tokenizer from the text of its `tokenizer.json`. `special_tokens` maps names such as `eos_token` to
    /// tokens; a template that belongs to the tokenizer sees them as variables.
    pub fn new(
        name: &str,
        definition: &str,
        special_tokens: &[(String, String)],
        choice: EngineChoice,
    ) -> Result<Tokenizer> {
        let reference = Reference::new(definition)
            .map_err(|error| Error::new(error.kind, format!("tokenizer {name}: {}", error.text)))?;
        let (fast, reason) = match choice {
            EngineChoice::Reference => (None, "asked for".to_owned()),
            EngineChoice::Auto | EngineChoice::Fast => match check::fast_if_equal(definition, &reference) {
                Ok((fast, reason)) => (Some(fast), reason),
                Err(reason) => (None, reason),
            },
        };
        if choice == EngineChoice::Fast && fast.is_none() {
            return Err(Error::new(
                Kind::TokenizerLoad,
                format!("tokenizer {name}: the fast engine cannot be used: {reason}; take engine=\"auto\""),
            ));
        }
        let engine = match &fast {
            Some(fast) => Engine { name: EngineName::Fast, version: fast.version(), reason },
            None => Engine { name: EngineName::Reference, version: reference::VERSION, reason },
        };
        Ok(Tokenizer {
            name: name.to_owned(),
            definition: definition.to_owned(),
            special_tokens: special_tokens.to_vec(),
            stop_tokens: Vec::new(),
            added_tokens: reference.added_tokens(),
            reference,
            plain: OnceLock::new(),
            fast,
            engine,
            choice,
        })
    }

    /// The same tokenizer with these tokens, beside `eos_token`, as those that end a turn.
    pub fn with_stop_tokens(mut self, stop_tokens: Vec<String>) -> Tokenizer {
        self.stop_tokens = stop_tokens;
        self
    }

    /// The text of `ids`, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.reference.decode(ids)
    }

    /// The id of `token`, or None.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.reference.token_to_id(token)
    }

    /// How many ids there may be: one more than the greatest.
    pub fn vocabulary_size(&self) -> usize {
        self.reference.vocabulary_size()
    }

    /// What the tokenizer is called in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the `tokenizer.json`.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// Names of special tokens, and the tokens.
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.special_tokens
    }

    /// The token of this name, such as `bos_token`.
    pub fn special_token(&self, name: &str) -> Option<&str> {
        let token = self.special_tokens.iter().find(|(known, _)| known == name).map(|(_, token)| token.as_str());
        token.filter(|token| !token.is_empty())
    }

    /// The tokens, beside `eos_token`, that end a turn.
    pub fn stop_tokens(&self) -> &[String] {
        &self.stop_tokens
    }

    /// The tokens that stand for themselves.
    pub fn added_tokens(&self) -> &[AddedToken] {
        &self.added_tokens
    }

    /// Whether `id` is an added token.
    pub fn is_added(&self, id: u32) -> bool {
        self.reference.is_added(id)
    }

    /// The text of the tokens that the tokenizer itself puts before a text, such as `<s>`.
    pub fn prefix(&self) -> String {
        self.reference.prefix()
    }

    /// Whether each segment of a text gets a space that the text lacks, so that texts must not be cut.
    pub fn adds_space(&self) -> bool {
        self.reference.adds_space()
    }

    /// The engine in use, and why.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine that was asked for.
    pub fn choice(&self) -> EngineChoice {
        self.choice
    }

    /// SHA-256 of the definition, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        Sha256::digest(self.definition.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(choice: EngineChoice) -> Tokenizer {
        let definition = include_str!("../../tests/data/byte_tokenizer.json");
        Tokenizer::new("bytes", definition, &[], choice).unwrap()
    }

    #[test]
    fn both_engines_give_the_same() {
        let (fast, reference) = (tokenizer(EngineChoice::Fast), tokenizer(EngineChoice::Reference));
        for text in ["", "Hi <|im_end|>\n é中👍\u{1a17}", "<s></s>"] {
            let (mut ours, mut theirs) = (Tokens::default(), Tokens::default());
            fast.tokens(text, &[], &mut ours).unwrap();
            reference.tokens(text, &[], &mut theirs).unwrap();
            assert_eq!(ours, theirs, "{text}");
            assert_eq!(fast.decode(&ours.ids).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_an_error() {
        assert_eq!(Tokenizer::new("x", "{}", &[], EngineChoice::Auto).unwrap_err().kind, Kind::TokenizerLoad);
    }
}
