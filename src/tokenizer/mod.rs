//! Tokenizing: turns a text into token ids and the byte end of each token.
//!
//! | folder | what it does |
//! |---|---|
//! | `alignment` | proves which bytes of a text each token covers |
//! | `engines` | the libraries that encode: the reference (tokenizers 0.23) and two fast ones that give ids only |
//! | `self_test` | the self-test that chooses the engine at load |
//!
//! A tokenizer uses the first fast engine that passes the self-test. It still uses the reference for a text with
//! characters for which the self-test found a difference, and for a text whose tokens cannot be aligned byte for byte.

mod alignment;
mod encode;
mod engines;
mod limits;
mod outline;
mod self_test;
mod spell;
mod tokens;

pub use alignment::{TokenSpan, token_spans};
pub use encode::Ends;
pub use engines::{Engine, EngineChoice, EngineName};
pub use outline::{VocabularyEntries, outline, vocabulary_entries, with_outline};
pub use tokens::{AddedToken, Tokens};

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use engines::{Fast, Reference};

/// The rules of a definition that is used as it is.
pub const TOKENIZER_JSON: &str = "tokenizer.json";

/// A tokenizer, loaded once and shared by all threads.
#[derive(Debug)]
pub struct Tokenizer {
    name: String,
    definition: String,
    special_tokens: Vec<(String, String)>,
    stop_tokens: Vec<String>,
    added_tokens: Vec<AddedToken>,
    reference: Reference,
    /// The same tokenizer without added tokens, loaded at its first use.
    plain: OnceLock<Result<Reference>>,
    fast: Option<Fast>,
    engine: Engine,
    choice: EngineChoice,
    rules: String,
    warnings: Vec<String>,
}

impl Tokenizer {
    /// Loads a tokenizer from the text of its `tokenizer.json`.
    ///
    /// * `name`: for error messages and reports.
    /// * `special_tokens`: names such as `eos_token` with their tokens. A chat template that belongs to the tokenizer
    ///   can read them as variables.
    pub fn new(
        name: &str,
        definition: &str,
        special_tokens: &[(String, String)],
        choice: EngineChoice,
    ) -> Result<Tokenizer> {
        let reference = limits::check_ids(definition)
            .and_then(|()| Reference::new(definition))
            .map_err(|error| Error::new(error.kind, format!("tokenizer {name}: {}", error.text)))?;
        let (fast, reason) = match choice {
            EngineChoice::Reference => (None, "`engine=\"reference\"` was set".to_owned()),
            EngineChoice::Auto | EngineChoice::Fast => match self_test::fast_if_equal(definition, &reference) {
                Ok((fast, reason)) => (Some(fast), reason),
                Err(reason) => (None, reason),
            },
        };
        if choice == EngineChoice::Fast && fast.is_none() {
            let text = format!("tokenizer {name}: no fast engine can be used ({reason}); use `engine=\"auto\"`");
            return Err(Error::new(ErrorKind::TokenizerLoad, text));
        }
        let engine = match &fast {
            Some(fast) => Engine { name: EngineName::Fast, version: fast.version(), reason },
            None => Engine { name: EngineName::Reference, version: reference.version(), reason },
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
            rules: TOKENIZER_JSON.to_owned(),
            warnings: Vec::new(),
        })
    }

    /// Sets the tokens, besides `eos_token`, that end a turn.
    #[must_use]
    pub fn with_stop_tokens(mut self, stop_tokens: Vec<String>) -> Tokenizer {
        self.stop_tokens = stop_tokens;
        self
    }

    /// Sets the rules that made the definition, and warnings about them.
    ///
    /// * `rules`: the class of transformers that made it from the vocabulary, or [`TOKENIZER_JSON`].
    /// * `warnings`: sentences that say why ids may differ from those of transformers.
    #[must_use]
    pub fn with_rules(mut self, rules: String, warnings: Vec<String>) -> Tokenizer {
        self.rules = rules;
        self.warnings = warnings;
        self
    }

    /// The text of `ids`, including special tokens.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.reference.decode(ids)
    }

    /// The id of `token`. None if the vocabulary does not have it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.reference.token_to_id(token)
    }

    /// The id of the special token `name`, such as `eos_token`. None if the tokenizer or its vocabulary does not have it.
    pub fn special_token_id(&self, name: &str) -> Option<u32> {
        self.token_to_id(self.special_token(name)?)
    }

    /// The number of ids: the largest id plus one.
    pub fn vocabulary_size(&self) -> usize {
        self.reference.vocabulary_size()
    }

    /// The name for error messages and reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the `tokenizer.json`.
    pub fn definition(&self) -> &str {
        &self.definition
    }

    /// The special tokens: names with their tokens.
    pub fn special_tokens(&self) -> &[(String, String)] {
        &self.special_tokens
    }

    /// The special token of this name, such as `bos_token`. None if there is none or if it is empty.
    pub fn special_token(&self, name: &str) -> Option<&str> {
        let token = self.special_tokens.iter().find(|(known, _)| known == name).map(|(_, token)| token.as_str());
        token.filter(|token| !token.is_empty())
    }

    /// The tokens, besides `eos_token`, that end a turn.
    pub fn stop_tokens(&self) -> &[String] {
        &self.stop_tokens
    }

    /// The added tokens, sorted by id.
    pub fn added_tokens(&self) -> &[AddedToken] {
        &self.added_tokens
    }

    /// Whether `id` is an added token.
    pub fn is_added(&self, id: u32) -> bool {
        self.reference.is_added(id)
    }

    /// The text of the tokens that the tokenizer puts before every text, such as `<s>`.
    pub fn prefix(&self) -> String {
        self.reference.prefix()
    }

    /// Whether each segment gets a space that is not in the text. Texts must then not be cut into segments.
    pub fn adds_space(&self) -> bool {
        self.reference.adds_space()
    }

    /// The engine in use, with the reason.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine that the user chose.
    pub fn choice(&self) -> EngineChoice {
        self.choice
    }

    /// The rules that made the definition: a class of transformers, or [`TOKENIZER_JSON`].
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Why ids may differ from those of transformers, as sentences.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// SHA-256 of the definition in hexadecimal digits.
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
    fn both_engines_give_the_same_tokens() {
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
    fn an_invalid_definition_is_an_error() {
        assert_eq!(Tokenizer::new("x", "{}", &[], EngineChoice::Auto).unwrap_err().kind, ErrorKind::TokenizerLoad);
    }
}
