//! `Vocabulary`: what is known about tokens without an engine.
//!
//! It is made from the reference, or read from the definition. Reading takes 0.06 s for qwen3, loading the reference
//! 0.3 s, so a tokenizer whose verdict is known loads the reference only when a text needs it. The verdict says whether
//! both vocabularies were equal.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::alignment::{Alphabet, AnchorIndex, TokenBytes};
use super::tokens::AddedToken;

#[derive(Debug, PartialEq)]
pub(super) struct Vocabulary {
    /// The bytes of all tokens.
    pub(super) token_bytes: Arc<TokenBytes>,
    /// The added tokens, sorted by id.
    pub(super) added_tokens: Vec<AddedToken>,
    /// The added tokens as anchors. None if one of them is not always cut out of a text exactly as it is written.
    pub(super) anchors: Option<AnchorIndex>,
    added_ids: HashMap<String, u32>,
}

/// An added token with its flags.
#[derive(Deserialize)]
pub(super) struct Added<'a> {
    pub(super) id: u32,
    #[serde(borrow)]
    pub(super) content: Cow<'a, str>,
    pub(super) single_word: bool,
    pub(super) lstrip: bool,
    pub(super) rstrip: bool,
    pub(super) normalized: bool,
    pub(super) special: bool,
}

/// How a normalizer changes texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Normalizing {
    Nothing,
    /// It composes characters (NFC), and nothing else.
    Composes,
    /// It may drop, add and replace text.
    Changes,
}

/// How texts become names of tokens.
#[derive(Debug)]
pub(super) struct Spelling {
    /// How the bytes of a text are spelled.
    pub(super) alphabet: Alphabet,
    /// How texts are changed before they are tokenized.
    pub(super) normalizing: Normalizing,
    /// Whether a token whose name has only visible ASCII characters is made of exactly these characters, unless it is
    /// one of the two kinds below: nothing adds such characters to a text, or brings them together.
    pub(super) is_literal: bool,
    /// The token for unknown characters.
    pub(super) unknown: Option<String>,
    /// Whether tokens such as `<0x41>` stand for bytes.
    pub(super) has_byte_tokens: bool,
}

impl Spelling {
    /// Whether only the text `name` becomes the token with this name.
    fn spells(&self, name: &str) -> bool {
        let is_of_byte = self.has_byte_tokens && name.starts_with("<0x");
        let is_other = is_of_byte || self.unknown.as_deref() == Some(name);
        self.is_literal && !is_other && name.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

/// Whether a text that a tokenizer inserts has no visible ASCII characters.
pub(super) fn is_invisible(inserted: &str) -> bool {
    !inserted.is_empty() && !inserted.bytes().any(|byte| byte.is_ascii_graphic())
}

impl Vocabulary {
    /// The ids of special tokens, besides that of unknown text, as few ranges.
    pub(super) fn control_ids(&self, special_tokens: &[(String, String)]) -> Vec<RangeInclusive<u32>> {
        let unknown = special_tokens.iter().find(|(name, _)| name == "unk_token").map(|(_, text)| text);
        let special = self.added_tokens.iter().filter(|token| token.special && Some(&token.text) != unknown);
        let mut ids: Vec<u32> = special.filter_map(|token| self.added_ids.get(&token.text).copied()).collect();
        ids.sort_unstable();
        let runs = ids.chunk_by(|left, right| left + 1 >= *right);
        runs.map(|run| run[0]..=run[run.len() - 1]).collect()
    }

    /// A vocabulary of these tokens. `of_model` gives the token of the model with an id.
    pub(super) fn new(
        token_bytes: Arc<TokenBytes>,
        spelling: Spelling,
        mut added: Vec<Added<'_>>,
        of_model: impl Fn(u32) -> Option<String>,
    ) -> Vocabulary {
        let Spelling { alphabet, normalizing, .. } = spelling;
        let normalizes = normalizing != Normalizing::Nothing;
        added.sort_by_key(|token| token.id);
        let is_cut_out = |token: &Added<'_>| {
            let changed = token.normalized && normalizes;
            let as_written = !(token.single_word || token.lstrip || token.rstrip || changed);
            // A token of the model may stand for other bytes than its name: `Ġ` for a space, `<0x0A>` for a line break.
            let of_model = of_model(token.id).and_then(|name| alphabet.bytes(&name));
            as_written && of_model.is_none_or(|bytes| bytes == token.content.as_bytes())
        };
        let anchors = added.iter().all(is_cut_out);
        let anchors = anchors.then(|| {
            let keeps = normalizing != Normalizing::Changes;
            AnchorIndex::new(added.iter().map(|token| (token.id, &*token.content)), keeps)
        });
        let added_ids = added.iter().map(|token| (token.content.clone().into_owned(), token.id)).collect();
        let ids: Vec<u32> = added.iter().map(|token| token.id).collect();
        let is_unique =
            |at: usize| at.checked_sub(1).is_none_or(|last| ids[last] != ids[at]) && ids.get(at + 1) != Some(&ids[at]);
        let added_tokens = added.into_iter().enumerate().map(|(at, token)| {
            let changed = token.normalized && normalizes;
            // The model may make its own token of other text, unless it spells it exactly so.
            let spells = |name: String| name == token.content && spelling.spells(&name);
            AddedToken {
                is_always_found: !(token.single_word || changed),
                is_only_its_text: !changed && is_unique(at) && of_model(token.id).is_none_or(spells),
                text: token.content.into_owned(),
                special: token.special,
            }
        });
        let added_tokens = added_tokens.collect();
        Vocabulary { token_bytes, added_tokens, anchors, added_ids }
    }

    /// The vocabulary that a definition has. None if it cannot be read in this way.
    pub(super) fn read(definition: &str) -> Option<Vocabulary> {
        let VocabularyDefinition { added_tokens, normalizer, pre_tokenizer, decoder, model } =
            serde_json::from_str(definition).ok()?;
        let alphabet = if is_byte_level(&decoder) { Alphabet::Bytes } else { Alphabet::Metaspace };
        let keeps = keeps_in_normalizer(&normalizer) && keeps_in_pre_tokenizer(&pre_tokenizer);
        let spelling = Spelling {
            alphabet,
            normalizing: normalizing(&normalizer),
            is_literal: keeps && model.is_literal(),
            unknown: model.unk_token.clone(),
            has_byte_tokens: model.byte_fallback == Some(true),
        };
        let entries = model.vocab.0.iter().map(|(token, id)| (&**token, *id, false));
        let added = added_tokens.iter().map(|token| (&*token.content, token.id, true));
        let token_bytes = TokenBytes::new(alphabet, entries.chain(added));
        let ids: HashMap<u32, String> = added_tokens.iter().map(|token| (token.id, String::new())).collect();
        let named = model.vocab.0.iter().filter(|(_, id)| ids.contains_key(id));
        let of_model: HashMap<u32, String> = named.map(|(token, id)| (*id, token.clone().into_owned())).collect();
        let find = |id: u32| of_model.get(&id).cloned();
        Some(Vocabulary::new(Arc::new(token_bytes), spelling, added_tokens, find))
    }

    /// The id of an added token.
    pub(super) fn added_id(&self, token: &str) -> Option<u32> {
        self.added_ids.get(token).copied()
    }
}

/// The parts of a `tokenizer.json` that say how its tokens are written.
#[derive(Deserialize)]
struct VocabularyDefinition<'a> {
    #[serde(default, borrow)]
    added_tokens: Vec<Added<'a>>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    #[serde(borrow)]
    model: VocabularyModel<'a>,
}

#[derive(Deserialize)]
struct VocabularyModel<'a> {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    vocab: VocabularyTokens<'a>,
    /// Only BPE has merges. Old definitions do not name the type.
    #[serde(default)]
    merges: Option<IgnoredAny>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
}

impl VocabularyModel<'_> {
    /// Whether it merges characters, and adds nothing to them.
    fn is_literal(&self) -> bool {
        let is_bpe = self.kind.as_deref().map_or(self.merges.is_some(), |kind| kind == "BPE");
        let is_empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        let parts = [&self.continuing_subword_prefix, &self.end_of_word_suffix];
        is_bpe && parts.into_iter().all(is_empty)
    }
}

/// The tokens of a vocabulary with their ids.
struct VocabularyTokens<'a>(Vec<(Cow<'a, str>, u32)>);

/// A text that is borrowed unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct VocabularyText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for VocabularyTokens<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VocabularyReader;
        impl<'de> Visitor<'de> for VocabularyReader {
            type Value = VocabularyTokens<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of ids or a list of tokens with scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VocabularyTokens<'de>, A::Error> {
                let mut tokens = Vec::new();
                while let Some((VocabularyText(token), id)) = map.next_entry()? {
                    tokens.push((token, id));
                }
                Ok(VocabularyTokens(tokens))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<VocabularyTokens<'de>, A::Error> {
                let mut tokens = Vec::new();
                while let Some((VocabularyText(token), _)) = list.next_element::<(VocabularyText<'_>, f64)>()? {
                    tokens.push((token, tokens.len() as u32));
                }
                Ok(VocabularyTokens(tokens))
            }
        }
        deserializer.deserialize_any(VocabularyReader)
    }
}

/// Whether a decoder is `ByteLevel`, or a sequence that contains `ByteLevel`.
fn is_byte_level(decoder: &Value) -> bool {
    match decoder["type"].as_str() {
        Some("ByteLevel") => true,
        Some("Sequence") => decoder["decoders"].as_array().is_some_and(|all| all.iter().any(is_byte_level)),
        _ => false,
    }
}

/// Whether a normalizer adds no visible ASCII characters, and brings none together. Unicode's normal forms do: the sign
/// of Kelvin becomes a K.
fn keeps_in_normalizer(normalizer: &Value) -> bool {
    match normalizer["type"].as_str() {
        Some("Sequence") => normalizer["normalizers"].as_array().is_some_and(|all| all.iter().all(keeps_in_normalizer)),
        Some("Replace") => normalizer["content"].as_str().is_some_and(is_invisible),
        Some("Prepend") => normalizer["prepend"].as_str().is_some_and(is_invisible),
        Some(_) => false,
        None => normalizer.is_null(),
    }
}

/// Whether a pre-tokenizer adds no visible ASCII characters.
fn keeps_in_pre_tokenizer(pre_tokenizer: &Value) -> bool {
    match pre_tokenizer["type"].as_str() {
        Some("Sequence") => {
            pre_tokenizer["pretokenizers"].as_array().is_some_and(|all| all.iter().all(keeps_in_pre_tokenizer))
        }
        Some("Metaspace") => pre_tokenizer["replacement"].as_str().is_some_and(is_invisible),
        Some(_) => true,
        None => pre_tokenizer.is_null(),
    }
}

/// How a normalizer changes texts: an empty sequence does not.
fn normalizing(normalizer: &Value) -> Normalizing {
    match normalizer["type"].as_str() {
        Some("Sequence") if normalizer["normalizers"].as_array().is_some_and(Vec::is_empty) => Normalizing::Nothing,
        Some("NFC") => Normalizing::Composes,
        _ if normalizer.is_null() => Normalizing::Nothing,
        _ => Normalizing::Changes,
    }
}
