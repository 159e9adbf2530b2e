//! `spell`: turns token ids back into a text with the byte end of each token, for rows that are already tokenized.

use super::Tokenizer;
use crate::error::Result;

impl Tokenizer {
    /// The text that `ids` stand for, special tokens included, and the byte end of each token in it.
    ///
    /// Bytes that are not UTF-8 become U+FFFD. A token may end inside a character.
    pub fn spell(&self, ids: &[u32]) -> Result<(String, Vec<u32>)> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(ids.len()));
        for &id in ids {
            // A token that is not written in the alphabet of the decoder is decoded on its own.
            if !self.vocabulary.token_bytes.append_bytes(id, &mut bytes) {
                bytes.extend_from_slice(self.decode(&[id])?.as_bytes());
            }
            ends.push(bytes.len());
        }
        let mut text = String::with_capacity(bytes.len());
        let (mut found, mut read) = (Vec::with_capacity(ends.len()), 0);
        let mut rest = ends.into_iter().peekable();
        for chunk in bytes.utf8_chunks() {
            let start = text.len();
            text.push_str(chunk.valid());
            while let Some(end) = rest.next_if(|end| *end <= read + chunk.valid().len()) {
                found.push((start + end - read) as u32);
            }
            read += chunk.valid().len() + chunk.invalid().len();
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            while rest.next_if(|end| *end <= read).is_some() {
                found.push(text.len() as u32);
            }
        }
        // Without any bytes there is no chunk.
        found.resize(ids.len(), text.len() as u32);
        Ok((text, found))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EngineChoice, Tokens};
    use super::*;

    fn bytes() -> Tokenizer {
        Tokenizer::new("bytes", include_str!("../../tests/data/byte_tokenizer.json"), &[], EngineChoice::Auto).unwrap()
    }

    #[test]
    fn a_text_is_spelled_as_it_was_tokenized() {
        let tokenizer = bytes();
        for text in ["", "a", "é</s>中 \n", "<|im_end|>"] {
            let mut tokens = Tokens::default();
            tokenizer.tokens(text, &[], &mut tokens).unwrap();
            assert_eq!(tokenizer.spell(&tokens.ids).unwrap(), (text.to_owned(), tokens.ends));
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        let tokenizer = bytes();
        let mut ids = Vec::new();
        tokenizer.ids("é", &mut ids).unwrap();
        // The first byte of a character without its second, twice, and a character.
        let ids = [ids[0], ids[0], ids[0], ids[1]];
        assert_eq!(tokenizer.spell(&ids).unwrap(), ("\u{fffd}\u{fffd}é".to_owned(), vec![3, 6, 7, 8]));
        assert_eq!(tokenizer.spell(&ids[..1]).unwrap(), ("\u{fffd}".to_owned(), vec![3]));
    }
}
