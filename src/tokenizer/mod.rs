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
mod lazy;
mod limits;
mod loaded;
mod outline;
mod self_test;
mod spell;
mod tokens;
mod verdict;
mod vocabulary;

pub use alignment::{TokenSpan, token_spans};
pub use encode::Ends;
pub use engines::{Engine, EngineChoice, EngineName};
pub use outline::{VocabularyEntries, outline, vocabulary_entries, with_outline};
pub use tokens::{AddedToken, Tokens};
pub use verdict::VerdictStore;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use engines::{Fast, Reference};
use lazy::Lazy;
use loaded::Loaded;
use verdict::Verdict;
use vocabulary::Vocabulary;

/// The rules of a definition that is used as it is.
pub const TOKENIZER_JSON: &str = "tokenizer.json";

/// A tokenizer, loaded once and shared by all threads.
#[derive(Debug)]
pub struct Tokenizer {
    name: String,
    definition: Arc<str>,
    special_tokens: Vec<(String, String)>,
    stop_tokens: Vec<String>,
    /// The ids of special tokens, without that of unknown text.
    control: Vec<RangeInclusive<u32>>,
    vocabulary: Arc<Vocabulary>,
    /// The reference, loaded at its first use if the verdict is known.
    reference: Lazy<Result<Reference>>,
    /// The same tokenizer without added tokens, loaded at its first use.
    plain: Lazy<Result<Reference>>,
    /// The fast engine, loaded at its first use if the verdict is known. None if there is none.
    fast: Lazy<Option<Fast>>,
    known: Verdict,
    /// How many texts the reference still encodes before the fast engine is loaded.
    few: AtomicUsize,
    engine: Engine,
    choice: EngineChoice,
    prefix: String,
    adds_space: bool,
    /// The verdict of the self-test, as JSON. Empty if there was none.
    json: String,
    rules: String,
    warnings: Vec<String>,
}

impl Tokenizer {
    /// Loads a tokenizer from the text of its `tokenizer.json`, and keeps no verdict.
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
        Tokenizer::with_verdicts(name, definition, special_tokens, choice, None, &VerdictStore::none())
    }

    /// Like [`new`](Self::new), but without a self-test if its verdict is known.
    ///
    /// * `given`: the [`verdict`](Self::verdict) of an equal tokenizer. Ignored if it is about something else.
    /// * `store`: where a verdict is looked up, and kept.
    pub fn with_verdicts(
        name: &str,
        definition: &str,
        special_tokens: &[(String, String)],
        choice: EngineChoice,
        given: Option<&str>,
        store: &VerdictStore,
    ) -> Result<Tokenizer> {
        let mut key = String::new();
        let loaded = match choice {
            EngineChoice::Reference => Loaded::reference_only(definition),
            EngineChoice::Auto | EngineChoice::Fast => {
                key = verdict::key(definition);
                let known = given.and_then(|json| Verdict::from_json(json, &key));
                let known = known.or_else(|| Verdict::from_json(&store.read(&key)?, &key));
                match known.and_then(|verdict| Loaded::known(definition, verdict)) {
                    Some(loaded) => Ok(loaded),
                    None => {
                        Loaded::tested(definition).inspect(|loaded| store.write(&key, &loaded.verdict.to_json(&key)))
                    }
                }
            }
        };
        let loaded = loaded.map_err(|error| Error::new(error.kind, format!("tokenizer {name}: {}", error.text)))?;
        let Loaded { vocabulary, reference, fast, verdict } = loaded;
        if choice == EngineChoice::Fast && verdict.engine.is_none() {
            let text =
                format!("tokenizer {name}: no fast engine can be used ({}); use `engine=\"auto\"`", verdict.reason);
            return Err(Error::new(ErrorKind::TokenizerLoad, text));
        }
        let version = verdict.engine.as_deref().and_then(self_test::version_of);
        let engine = Engine {
            name: if version.is_some() { EngineName::Fast } else { EngineName::Reference },
            version: version.unwrap_or(Reference::VERSION),
            reason: verdict.reason.clone(),
        };
        Ok(Tokenizer {
            name: name.to_owned(),
            definition: definition.into(),
            special_tokens: special_tokens.to_vec(),
            stop_tokens: Vec::new(),
            control: vocabulary.control_ids(special_tokens),
            vocabulary,
            reference: Lazy::new(reference.map(Ok)),
            plain: Lazy::new(None),
            fast: Lazy::new(fast),
            few: AtomicUsize::new(0),
            prefix: verdict.prefix.clone(),
            adds_space: verdict.adds_space,
            json: if choice == EngineChoice::Reference { String::new() } else { verdict.to_json(&key) },
            known: verdict,
            engine,
            choice,
            rules: TOKENIZER_JSON.to_owned(),
            warnings: Vec::new(),
        })
    }

    /// The fast engine, if there is one that suits `text`, loaded now if it was not needed before.
    ///
    /// If the reference is loaded and the engine is not, the reference encodes the next few texts: loading the engine
    /// takes longer (0.5 s for qwen3, the reference 0.3 s).
    fn fast(&self, text: &str) -> Option<&Fast> {
        let fast = match self.fast.get() {
            Some(fast) => fast.as_ref(),
            None => {
                let take_one = |few: usize| few.checked_sub(1);
                if self.few.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_ok() {
                    return None;
                }
                self.load_fast()
            }
        };
        fast.filter(|fast| fast.suits(text))
    }

    fn load_fast(&self) -> Option<&Fast> {
        self.fast.load(|| self_test::fast_that_passed(&self.definition, &self.vocabulary, &self.known)).as_ref()
    }

    /// Prepares for many texts: loads the engine now, so that not every thread loads it. `interrupted` is called about
    /// twenty times a second; if it returns true, a thread goes on to load the engine, and the next use
    /// waits for it.
    pub fn expect_many(&self, interrupted: &mut (dyn FnMut() -> bool + Send)) {
        if self.fast.load_unless(interrupted, self.fast_loader()).is_some_and(Option::is_none) {
            // An error belongs to the rows, which load it again.
            self.reference.load_unless(interrupted, self.reference_loader());
        }
    }

    /// Begins to load the engine for many texts, and returns at once.
    pub fn expect_many_soon(&self) {
        self.fast.begin(self.fast_loader());
        if matches!(self.fast.get(), Some(None)) {
            self.reference.begin(self.reference_loader());
        }
    }

    fn fast_loader(&self) -> impl FnOnce() -> Option<Fast> + Send + use<> {
        let (definition, vocabulary) = (Arc::clone(&self.definition), Arc::clone(&self.vocabulary));
        let known = self.known.clone();
        move || self_test::fast_that_passed(&definition, &vocabulary, &known)
    }

    fn reference_loader(&self) -> impl FnOnce() -> Result<Reference> + Send + use<> {
        let (definition, vocabulary) = (Arc::clone(&self.definition), Arc::clone(&self.vocabulary));
        move || Reference::with_vocabulary(&definition, &vocabulary)
    }

    /// Prepares for a few texts, such as a row to look at: if no engine is loaded yet, the one that loads sooner is used.
    pub fn expect_few(&self) {
        const FEW: usize = 64;
        if self.fast.get().is_none()
            && !self.fast.is_loading()
            && self.reference.get().is_none()
            && self.reference().is_ok()
        {
            self.few.store(FEW, Ordering::Relaxed);
        }
    }

    /// The reference, loaded now if it was not needed before.
    fn reference(&self) -> Result<&Reference> {
        let loaded = self.reference.load(|| Reference::with_vocabulary(&self.definition, &self.vocabulary));
        loaded.as_ref().map_err(|error| Error::new(error.kind, format!("tokenizer {}: {}", self.name, error.text)))
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
        self.reference()?.decode(ids)
    }

    /// The id of `token`. None if the vocabulary does not have it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.vocabulary.added_id(token).or_else(|| self.reference().ok()?.token_to_id(token))
    }

    /// The id of the special token `name`, such as `eos_token`. None if the tokenizer or its vocabulary does not have it.
    pub fn special_token_id(&self, name: &str) -> Option<u32> {
        self.token_to_id(self.special_token(name)?)
    }

    /// The number of ids: the largest id plus one.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.token_bytes.len()
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
        &self.vocabulary.added_tokens
    }

    /// Whether `id` is an added token.
    pub fn is_added(&self, id: u32) -> bool {
        self.vocabulary.token_bytes.is_added(id)
    }

    /// Whether `ids` have a special token that texts of messages should not have, besides those that are `allowed`.
    /// Unknown text is no sign of one.
    pub fn has_control(&self, ids: &[u32], allowed: &[String]) -> bool {
        // Without an early end the search takes eight ids at a time. Nearly all texts have none.
        let is_near = |range: &RangeInclusive<u32>| ids.iter().fold(false, |found, id| found | range.contains(id));
        if !self.control.iter().any(is_near) {
            return false;
        }
        let is_allowed = |id: u32| allowed.iter().any(|text| self.token_to_id(text) == Some(id));
        ids.iter().any(|id| self.control.iter().any(|range| range.contains(id)) && !is_allowed(*id))
    }

    /// The text of the tokens that the tokenizer puts before every text, such as `<s>`.
    pub fn prefix(&self) -> String {
        self.prefix.clone()
    }

    /// Whether each segment gets a space that is not in the text. Texts must then not be cut into segments.
    pub fn adds_space(&self) -> bool {
        self.adds_space
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

    /// The verdict of the self-test, as JSON, for [`with_verdicts`](Self::with_verdicts). Empty if there was none.
    pub fn verdict(&self) -> &str {
        &self.json
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
    fn a_known_verdict_changes_no_ids_and_saves_the_reference() {
        let definition = include_str!("../../tests/data/byte_tokenizer.json");
        let tested = tokenizer(EngineChoice::Auto);
        let load = |verdict: &str| {
            Tokenizer::with_verdicts("b", definition, &[], EngineChoice::Auto, Some(verdict), &VerdictStore::none())
                .unwrap()
        };
        let known = load(tested.verdict());
        assert!(known.reference.get().is_none() && load("damaged").reference.get().is_some());
        assert_eq!((known.engine(), known.verdict()), (tested.engine(), tested.verdict()));
        assert_eq!((known.prefix(), known.adds_space()), (tested.prefix(), tested.adds_space()));
        assert_eq!((known.vocabulary_size(), known.added_tokens()), (tested.vocabulary_size(), tested.added_tokens()));
        for text in ["", "Hi <|im_end|>\n é中👍\u{1a17}", "<s></s>"] {
            let (mut ours, mut theirs) = (Tokens::default(), Tokens::default());
            known.tokens(text, &[], &mut ours).unwrap();
            tested.tokens(text, &[], &mut theirs).unwrap();
            assert_eq!(ours, theirs, "{text}");
        }
        assert!(known.reference.get().is_none() && known.fast.get().is_some());
        assert_eq!(known.token_to_id("a"), tested.token_to_id("a"));
        assert!(known.reference.get().is_some());
    }

    #[test]
    fn a_few_texts_are_encoded_by_the_reference_and_more_by_the_fast_engine() {
        let definition = include_str!("../../tests/data/byte_tokenizer.json");
        let tested = tokenizer(EngineChoice::Auto);
        let given = Some(tested.verdict());
        let known =
            Tokenizer::with_verdicts("b", definition, &[], EngineChoice::Auto, given, &VerdictStore::none()).unwrap();
        assert!(known.reference.get().is_none() && known.fast.get().is_none());
        known.expect_few();
        for number in 0..80 {
            let (mut ours, mut theirs) = (Tokens::default(), Tokens::default());
            let text = format!("Hi <|im_end|> {number}");
            known.tokens(&text, &[], &mut ours).unwrap();
            tested.tokens(&text, &[], &mut theirs).unwrap();
            assert_eq!(ours, theirs);
            assert_eq!(known.fast.get().is_some(), number >= 64, "{number}");
        }
    }

    #[test]
    fn an_invalid_definition_is_an_error() {
        assert_eq!(Tokenizer::new("x", "{}", &[], EngineChoice::Auto).unwrap_err().kind, ErrorKind::TokenizerLoad);
    }
}
