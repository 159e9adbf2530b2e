//! Tokenizing: a text goes in, token ids and the byte end of each token come out.
//!
//! Behind [`Encoder`] stand fast engines that give ids only (fastokens, tokenizers 1.0) and the reference (tokenizers
//! 0.23). A tokenizer takes the first fast one that a check at load finds equal, and still asks
//! the reference about every text with characters that the check found odd, and about every text whose tokens cannot
//! be placed byte for byte.

mod check;
mod fast;
mod fastokens;
mod near;
mod pieces;
mod reference;
mod stretch;
mod tokenizers1;

use std::ops::Range;
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
            self.segment(text, start..end, tokens)?;
            start = end;
        }
        Ok(())
    }

    /// Leaves the ids of `text` in `tokens`, and in `found` the stretches between `edges`, rising positions between
    /// characters. The ends of the tokens are left out where they are not needed.
    pub fn tokens_near(
        &self,
        text: &str,
        edges: &[usize],
        tokens: &mut Tokens,
        found: &mut Vec<Stretch>,
    ) -> Result<()> {
        tokens.clear();
        found.clear();
        let placed = match self.fast.as_ref().filter(|fast| fast.suits(text)) {
            Some(fast) => fast.near(text, edges, tokens, found)?,
            None => Placed::No,
        };
        if placed == Placed::No {
            self.tokens(text, &[], tokens)?;
            stretches(text, &tokens.ends, edges, found);
        }
        Ok(())
    }

    /// Leaves the ids of `text` in `tokens`, cut at `cuts` as in [`tokens`](Self::tokens), with each segment a stretch
    /// in `found`. Of each segment only the first `most(index)` tokens stay; returns whether
    /// there were more. No token's end is told.
    pub fn tokens_of_segments(
        &self,
        text: &str,
        cuts: &[usize],
        most: impl Fn(usize) -> usize,
        tokens: &mut Tokens,
        found: &mut Vec<Stretch>,
    ) -> Result<bool> {
        tokens.clear();
        found.clear();
        let (mut start, mut shortened) = (0, false);
        for (index, end) in cuts.iter().copied().chain([text.len()]).enumerate() {
            let (_, segment) = slice(text, start..end)?;
            let before = tokens.ids.len();
            if !segment.is_empty() {
                self.ids(segment, &mut tokens.ids)?;
                let most = before.saturating_add(most(index));
                shortened |= tokens.ids.len() > most;
                tokens.ids.truncate(most);
            }
            found.push(Stretch { tokens: tokens.ids.len(), end });
            start = end;
        }
        Ok(shortened)
    }

    /// The same, and in `plain`, rising ranges of bytes, no added token is known: they are text like any other.
    pub fn tokens_with_plain(
        &self,
        text: &str,
        cuts: &[usize],
        plain: &[Range<usize>],
        tokens: &mut Tokens,
    ) -> Result<()> {
        if plain.is_empty() {
            return self.tokens(text, cuts, tokens);
        }
        let edges = plain.iter().flat_map(|range| [range.start, range.end]);
        let mut cuts: Vec<usize> = cuts.iter().copied().chain(edges).chain([text.len()]).collect();
        cuts.sort_unstable();
        let mut start = 0;
        for end in cuts {
            if plain.iter().any(|range| range.start <= start && end <= range.end) && start < end {
                self.plain_segment(text, start..end, tokens)?;
            } else {
                self.segment(text, start..end, tokens)?;
            }
            start = end;
        }
        Ok(())
    }

    /// Appends ids and ends of `text`, and gives the bytes that `tokenizers` says each token stands for: whole
    /// characters, and without what it trims. By the reference, so slower.
    pub fn offsets(&self, text: &str, tokens: &mut Tokens) -> Result<Vec<Range<usize>>> {
        self.reference.offsets(text, tokens)
    }

    fn segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let (base, segment) = slice(text, bytes)?;
        let placed = match self.fast.as_ref().filter(|fast| fast.suits(segment)) {
            Some(fast) => fast.tokens(segment, base, tokens)?,
            None => Placed::No,
        };
        if placed == Placed::No {
            self.reference.tokens(segment, base, tokens)?;
        }
        Ok(())
    }

    fn plain_segment(&self, text: &str, bytes: Range<usize>, tokens: &mut Tokens) -> Result<()> {
        let plain = self.plain.get_or_init(|| Reference::without_added_tokens(&self.definition));
        let plain = plain.as_ref().map_err(|error| {
            let text = format!("the tokenizer does not load without its added tokens: {}", error.text);
            Error::new(Kind::ControlToken, text)
        })?;
        let before = tokens.ids.len();
        let (base, segment) = slice(text, bytes)?;
        plain.tokens(segment, base, tokens)?;
        // A vocabulary may hold the token as an ordinary one as well.
        match tokens.ids[before..].iter().find(|&&id| self.is_added(id)) {
            None => Ok(()),
            Some(id) => {
                let text = format!("the tokenizer has no plain text for the control token {id}; leave the row out");
                Err(Error::new(Kind::ControlToken, text))
            }
        }
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

/// A segment of `text`, and where it begins.
fn slice(text: &str, bytes: Range<usize>) -> Result<(u32, &str)> {
    let base = u32::try_from(bytes.start).map_err(|_| too_long(text))?;
    match text.get(bytes.clone()) {
        Some(segment) => Ok((base, segment)),
        None => {
            let why = format!("a cut at byte {} lies inside a character or out of order", bytes.end);
            Err(Error::new(Kind::Internal, why))
        }
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
