//! Tokenizing: a text goes in, token ids and the byte end of each token come out.
//!
//! Behind [`Encoder`] stand fast engines that give ids only (fastokens, tokenizers 1.0) and the reference (tokenizers
//! 0.23). A tokenizer takes the first fast one that a check at load finds equal, and still asks
//! the reference about every text with characters that the check found odd, and about every text whose tokens cannot
//! be placed byte for byte.

mod check;
mod fast;
mod fastokens;
mod pieces;
mod reference;
mod tokenizers1;

use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};
use fast::Fast;
use reference::Reference;

/// Token ids of a text, and where each token ends in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The ids.
    pub ids: Vec<u32>,
    /// The byte end of each token; never decreasing. A token begins where the one before it ends.
    pub ends: Vec<u32>,
}

impl Tokens {
    /// Forgets all tokens and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
    }
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
    reference: Reference,
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
            reference,
            fast,
            engine,
            choice,
        })
    }

    /// Appends the ids of `text`, as `tokenizers` gives them without adding special tokens.
    pub fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        match self.fast.as_ref().filter(|fast| fast.suits(text)) {
            Some(fast) => fast.ids(text, ids),
            None => self.reference.ids(text, ids),
        }
    }

    /// Appends ids and byte ends of `text`. It is cut at `cuts`, rising byte positions, and each segment is encoded on
    /// its own: no token crosses a cut.
    pub fn tokens(&self, text: &str, cuts: &[usize], tokens: &mut Tokens) -> Result<()> {
        let mut start = 0;
        for end in cuts.iter().copied().chain([text.len()]) {
            let Some(segment) = text.get(start..end) else {
                let why = format!("a cut at byte {end} lies inside a character or out of order");
                return Err(Error::new(Kind::Internal, why));
            };
            let base = u32::try_from(start).map_err(|_| too_long(text))?;
            let placed = match self.fast.as_ref().filter(|fast| fast.suits(segment)) {
                Some(fast) => fast.tokens(segment, base, tokens)?,
                None => Placed::No,
            };
            if placed == Placed::No {
                self.reference.tokens(segment, base, tokens)?;
            }
            start = end;
        }
        Ok(())
    }

    /// The text of `ids`, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.reference.decode(ids)
    }

    /// The id of `token`, or None.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.reference.token_to_id(token)
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

fn too_long(text: &str) -> Error {
    Error::new(Kind::TokenizerFailed, format!("the text has {} bytes; 4 GiB are the limit of a row", text.len()))
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
    fn no_token_crosses_a_cut() {
        for choice in [EngineChoice::Fast, EngineChoice::Reference] {
            let tokenizer = tokenizer(choice);
            let (mut whole, mut cut) = (Tokens::default(), Tokens::default());
            tokenizer.tokens("a</s>b", &[], &mut whole).unwrap();
            assert_eq!(whole.ends, [1, 5, 6]);
            tokenizer.tokens("a</s>b", &[3], &mut cut).unwrap();
            assert_eq!(cut.ends, [1, 2, 3, 4, 5, 6]);
            assert!(tokenizer.tokens("é", &[1], &mut cut).is_err());
            assert!(tokenizer.tokens("abc", &[2, 1], &mut cut).is_err());
        }
    }

    #[test]
    fn what_is_no_tokenizer_is_an_error() {
        assert_eq!(Tokenizer::new("x", "{}", &[], EngineChoice::Auto).unwrap_err().kind, Kind::TokenizerLoad);
    }
}
