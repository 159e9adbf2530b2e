//! The reference engine: tokenizers 0.23, which transformers uses.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use tk::{DecoderWrapper, Model as _};
use tokenizers_reference as tk;

use super::{Aligned, TokenEncoder, failed};
use crate::error::{Error, ErrorKind, Result};
use crate::tokenizer::alignment::{Alphabet, TokenBytes};
use crate::tokenizer::tokens::Tokens;
use crate::tokenizer::vocabulary::{Added, Normalizing, Spelling, Vocabulary, is_invisible};

/// The crate and its version. A test compares it with `Cargo.toml`.
pub(super) const VERSION: &str = "tokenizers 0.23";

#[derive(Debug)]
pub(in crate::tokenizer) struct Reference {
    inner: tk::Tokenizer,
    token_bytes: Arc<TokenBytes>,
}

impl Reference {
    /// Loads the reference.
    pub(in crate::tokenizer) fn new(definition: &str) -> Result<Reference> {
        let inner = load(definition)?;
        let token_bytes = Arc::new(token_bytes(&inner));
        Ok(Reference { inner, token_bytes })
    }

    /// Loads the reference for a vocabulary that was read from the same definition.
    pub(in crate::tokenizer) fn with_vocabulary(definition: &str, vocabulary: &Vocabulary) -> Result<Reference> {
        Ok(Reference { inner: load(definition)?, token_bytes: Arc::clone(&vocabulary.token_bytes) })
    }

    /// The crate and its version.
    pub(in crate::tokenizer) const VERSION: &'static str = VERSION;

    /// The vocabulary.
    pub(in crate::tokenizer) fn vocabulary(&self) -> Vocabulary {
        let added = self.inner.get_added_tokens_decoder();
        let added = added.iter().map(|(&id, token)| Added {
            id,
            content: Cow::Borrowed(&token.content),
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized,
            special: token.special,
        });
        let keeps = self.inner.get_normalizer().is_none_or(keeps_in_normalizer)
            && self.inner.get_pre_tokenizer().is_none_or(keeps_in_pre_tokenizer);
        let bpe = match self.inner.get_model() {
            tk::ModelWrapper::BPE(model) => Some(model),
            _ => None,
        };
        let spelling = Spelling {
            alphabet: alphabet(self.inner.get_decoder()),
            normalizing: self.normalizing(),
            is_literal: keeps && bpe.is_some_and(is_literal),
            unknown: bpe.and_then(|model| model.unk_token.clone()),
            has_byte_tokens: bpe.is_some_and(|model| model.byte_fallback),
        };
        let of_model = |id: u32| self.inner.get_model().id_to_token(id);
        Vocabulary::new(Arc::clone(&self.token_bytes), spelling, added.collect(), of_model)
    }

    /// How texts are changed before they are tokenized.
    fn normalizing(&self) -> Normalizing {
        match self.inner.get_normalizer() {
            None => Normalizing::Nothing,
            Some(tk::NormalizerWrapper::Sequence(steps)) if steps.as_ref().is_empty() => Normalizing::Nothing,
            Some(tk::NormalizerWrapper::NFC(_)) => Normalizing::Composes,
            Some(_) => Normalizing::Changes,
        }
    }

    /// The same tokenizer without its added tokens, which it then treats as ordinary text.
    pub(in crate::tokenizer) fn without_added_tokens(definition: &str) -> Result<Reference> {
        let failed = |error: String| Error::new(ErrorKind::TokenizerLoad, error);
        let mut json: serde_json::Value =
            serde_json::from_str(definition).map_err(|error| failed(error.to_string()))?;
        json["added_tokens"] = serde_json::Value::Array(Vec::new());
        // A post-processor may require the removed tokens. It is never used here.
        json["post_processor"] = serde_json::Value::Null;
        Reference::new(&json.to_string())
    }

    /// Whether a segment gets a space that is not in the text.
    pub(in crate::tokenizer) fn adds_space(&self) -> bool {
        let first = |text: &str| self.inner.encode_fast(text, false).ok()?.get_ids().first().copied();
        let token = first("a").and_then(|id| self.inner.id_to_token(id));
        token.is_some_and(|token| token.starts_with('▁'))
    }

    /// The text of the tokens that the tokenizer puts before every text.
    pub(in crate::tokenizer) fn prefix(&self) -> String {
        let ids =
            |special: bool| self.inner.encode_fast("a", special).map(|it| it.get_ids().to_vec()).unwrap_or_default();
        let (with, without) = (ids(true), ids(false));
        let before = with.windows(without.len().max(1)).position(|window| window == without).unwrap_or(0);
        with[..before].iter().filter_map(|id| self.inner.id_to_token(*id)).collect()
    }

    /// Appends the ids of `text` and the byte end of each token. Returns the bytes that tokenizers reports for each
    /// token.
    pub(in crate::tokenizer) fn offsets(&self, text: &str, tokens: &mut Tokens) -> Result<Vec<Range<usize>>> {
        let encoding = self.inner.encode(text, false).map_err(failed)?;
        tokens.ids.extend_from_slice(encoding.get_ids());
        append_ends(encoding.get_offsets(), 0, &mut tokens.ends);
        Ok(encoding.get_offsets().iter().map(|&(start, end)| start..end).collect())
    }

    pub(in crate::tokenizer) fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(|error| Error::new(ErrorKind::TokenizerFailed, error.to_string()))
    }

    pub(in crate::tokenizer) fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }
}

fn load(definition: &str) -> Result<tk::Tokenizer> {
    let mut inner = tk::Tokenizer::from_bytes(definition.as_bytes()).map_err(|error| {
        let text = format!("the `tokenizer.json` cannot be loaded ({error}); give one that tokenizers 0.23 loads");
        Error::new(ErrorKind::TokenizerLoad, text)
    })?;
    inner.with_padding(None);
    inner.with_truncation(None).map_err(|error| Error::new(ErrorKind::TokenizerLoad, error.to_string()))?;
    Ok(inner)
}

/// The bytes of all tokens, in the alphabet of the decoder.
fn token_bytes(inner: &tk::Tokenizer) -> TokenBytes {
    let added = inner.get_added_tokens_decoder();
    let vocabulary = inner.get_vocab(false);
    let entries = vocabulary.iter().map(|(token, id)| (token.as_str(), *id, false));
    let added = added.iter().map(|(id, token)| (token.content.as_str(), *id, true));
    TokenBytes::new(alphabet(inner.get_decoder()), entries.chain(added))
}

/// The alphabet of a vocabulary: that of bytes if its decoder is `ByteLevel` or a sequence that contains `ByteLevel`.
fn alphabet(decoder: Option<&DecoderWrapper>) -> Alphabet {
    fn is_byte_level(decoder: &DecoderWrapper) -> bool {
        match decoder {
            DecoderWrapper::ByteLevel(_) => true,
            DecoderWrapper::Sequence(decoders) => decoders.get_decoders().iter().any(is_byte_level),
            DecoderWrapper::BPE(_)
            | DecoderWrapper::WordPiece(_)
            | DecoderWrapper::Metaspace(_)
            | DecoderWrapper::CTC(_)
            | DecoderWrapper::Replace(_)
            | DecoderWrapper::Fuse(_)
            | DecoderWrapper::Strip(_)
            | DecoderWrapper::ByteFallback(_) => false,
        }
    }
    if decoder.is_some_and(is_byte_level) { Alphabet::Bytes } else { Alphabet::Metaspace }
}

/// Whether a model adds nothing to the characters of a token.
fn is_literal(model: &tk::models::bpe::BPE) -> bool {
    let is_empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
    [&model.continuing_subword_prefix, &model.end_of_word_suffix].into_iter().all(is_empty)
}

/// Whether a normalizer adds no visible ASCII characters, and brings none together.
fn keeps_in_normalizer(normalizer: &tk::NormalizerWrapper) -> bool {
    match normalizer {
        tk::NormalizerWrapper::Sequence(all) => all.as_ref().iter().all(keeps_in_normalizer),
        tk::NormalizerWrapper::Replace(replace) => is_invisible(&replace.content),
        tk::NormalizerWrapper::Prepend(prepend) => is_invisible(&prepend.prepend),
        _ => false,
    }
}

/// Whether a pre-tokenizer adds no visible ASCII characters.
fn keeps_in_pre_tokenizer(pre_tokenizer: &tk::PreTokenizerWrapper) -> bool {
    match pre_tokenizer {
        tk::PreTokenizerWrapper::Sequence(all) => all.as_ref().iter().all(keeps_in_pre_tokenizer),
        tk::PreTokenizerWrapper::Metaspace(metaspace) => !metaspace.get_replacement().is_ascii_graphic(),
        _ => true,
    }
}

impl TokenEncoder for Reference {
    fn ids(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        ids.extend_from_slice(self.inner.encode_fast(text, false).map_err(failed)?.get_ids());
        Ok(())
    }

    fn tokens(&self, text: &str, base: u32, tokens: &mut Tokens) -> Result<Aligned> {
        let encoding = self.inner.encode(text, false).map_err(failed)?;
        tokens.ids.extend_from_slice(encoding.get_ids());
        // The offsets of tokenizers cover whole characters and leave out trimmed text. The bytes are more exact where
        // they can be aligned.
        let before = tokens.ends.len();
        if !self.token_bytes.align(encoding.get_ids(), text.as_bytes(), base, &mut tokens.ends) {
            tokens.ends.truncate(before);
            append_ends(encoding.get_offsets(), base, &mut tokens.ends);
        }
        Ok(Aligned::Yes)
    }
}

/// Appends the ends of tokens with these (start, end) offsets.
///
/// Tokens that end with the same character, such as the tokens of an emoji, share its bytes, so that each token gets
/// some. If there are more tokens than bytes, the first tokens get none. Such a token, like the space that
/// SentencePiece inserts before a segment, belongs to the byte after it.
fn append_ends(offsets: &[(usize, usize)], base: u32, ends: &mut Vec<u32>) {
    let mut last = 0;
    for run in offsets.chunk_by(|left, right| left.1 == right.1 && right.0 < right.1) {
        // Only the first token may start before the shared character.
        let (character, end) = (run[run.len() - 1].0.max(last), run[0].1.max(last));
        let (count, bytes) = (run.len(), end.saturating_sub(character));
        for index in 1..=count {
            let shared = if bytes >= count { character + bytes * index / count } else { character };
            last = if index == count { end } else { shared.max(last) };
            ends.push(base + last as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_a_character_share_its_bytes() {
        let mut ends = Vec::new();
        append_ends(&[(0, 1), (1, 5), (1, 5), (1, 5), (6, 7), (7, 11), (8, 11)], 10, &mut ends);
        assert_eq!(ends, [11, 12, 13, 15, 17, 19, 21]);
    }

    #[test]
    fn a_token_without_bytes_comes_before_the_next_one() {
        let mut ends = Vec::new();
        append_ends(&[(0, 4), (4, 5), (4, 5), (5, 5), (5, 6)], 0, &mut ends);
        assert_eq!(ends, [4, 4, 5, 5, 6]);
    }

    #[test]
    fn the_vocabulary_of_a_definition_is_that_of_the_reference() {
        let definition = include_str!("../../../tests/data/byte_tokenizer.json");
        let read = Vocabulary::read(definition).unwrap();
        assert_eq!(read, Reference::new(definition).unwrap().vocabulary());
        assert!(read.added_id("</s>").is_some() && read.added_id("x").is_none());
        assert!(Vocabulary::read("{}").is_none());
    }

    #[test]
    fn a_token_of_a_literal_model_is_only_its_text() {
        let definition = |model: &[(&str, serde_json::Value)], others: &[(&str, serde_json::Value)]| {
            let token = |id: u32, content: &str| {
                serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": true})
            };
            let mut json = serde_json::json!({
                "version": "1.0", "added_tokens": [token(3, "[I]"), token(4, "[é]"), token(5, "<0x5B>"), token(6, "[a]")],
                "normalizer": null, "pre_tokenizer": {"type": "Digits", "individual_digits": true},
                "post_processor": null, "decoder": null,
                "model": {"type": "BPE", "vocab": {"[": 0, "I": 1, "]": 2, "[I]": 3, "[é]": 4, "<0x5B>": 5}, "merges": []},
            });
            model.iter().for_each(|(key, value)| json["model"][key] = value.clone());
            others.iter().for_each(|(key, value)| json[key] = value.clone());
            json.to_string()
        };
        let metaspace =
            |sign: &str| serde_json::json!({"type": "Metaspace", "replacement": sign, "prepend_scheme": "never"});
        let nested = |sign: &str| serde_json::json!({"type": "Sequence", "pretokenizers": [metaspace(sign)]});
        let replace = |by: &str| serde_json::json!({"type": "Replace", "pattern": {"String": " "}, "content": by});
        let normalizers = |by: &str| serde_json::json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace(by)]});
        let (all, none) = ([true, false, true, true], [false, false, false, true]);
        for (text, expected) in [
            (definition(&[], &[]), all),
            (definition(&[("unk_token", "[I]".into())], &[]), [false, false, true, true]),
            (definition(&[("byte_fallback", true.into())], &[]), [true, false, false, true]),
            (definition(&[("continuing_subword_prefix", "[".into())], &[]), none),
            (definition(&[("end_of_word_suffix", "]".into())], &[]), none),
            (definition(&[("end_of_word_suffix", "".into())], &[]), all),
            (definition(&[], &[("pre_tokenizer", metaspace("["))]), none),
            (definition(&[], &[("pre_tokenizer", metaspace("▁"))]), all),
            (definition(&[], &[("pre_tokenizer", nested("["))]), none),
            (definition(&[], &[("normalizer", replace("▁"))]), all),
            (definition(&[], &[("normalizer", replace(""))]), none),
            (definition(&[], &[("normalizer", replace("]"))]), none),
            (definition(&[], &[("normalizer", normalizers("▁"))]), all),
            (definition(&[], &[("normalizer", normalizers("I"))]), none),
            (definition(&[], &[("normalizer", serde_json::json!({"type": "NFC"}))]), none),
        ] {
            let read = Vocabulary::read(&text).unwrap();
            assert_eq!(read, Reference::new(&text).unwrap().vocabulary(), "{text}");
            let certain: Vec<bool> = read.added_tokens.iter().map(|token| token.is_only_its_text).collect();
            assert_eq!(certain, expected, "{text}");
        }
    }

    #[test]
    fn the_alphabet_comes_from_the_decoder() {
        let byte_level = r#"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#;
        let fuse = r#"{"type": "Fuse"}"#;
        // The name of a decoder in the settings of another one is not that decoder.
        let replace = r#"{"type": "Replace", "pattern": {"String": "ByteLevel"}, "content": " "}"#;
        let sequence = |decoders: &[&str]| format!(r#"{{"type": "Sequence", "decoders": [{}]}}"#, decoders.join(", "));
        for (json, expected) in [
            (byte_level.to_owned(), Alphabet::Bytes),
            (sequence(&[fuse, byte_level]), Alphabet::Bytes),
            (sequence(&[fuse, &sequence(&[byte_level])]), Alphabet::Bytes),
            (sequence(&[fuse, replace]), Alphabet::Metaspace),
            (replace.to_owned(), Alphabet::Metaspace),
            (sequence(&[]), Alphabet::Metaspace),
        ] {
            let decoder: DecoderWrapper = serde_json::from_str(&json).unwrap();
            assert_eq!(alphabet(Some(&decoder)), expected, "{json}");
        }
        assert_eq!(alphabet(None), Alphabet::Metaspace);
    }
}
