//! Anchored alignment: offsets of the tokens around a few edges, without aligning the whole text.
//!
//! Comparing the bytes of every token takes a sixth of a row's time (9 of 56 µs for a row of 717 tokens under Llama
//! 3.1), nearly all of it waiting for memory. Labels need only the tokens around the edges of trained spans. These lie
//! close to added tokens, which are easy to find: a tokenizer cuts added tokens out of a text before it does anything
//! else, each at its leftmost position. So after an aligned added token, the next added token among the ids is the next
//! one in the text. From this anchor to the edge, tokens are compared byte for byte, as [`TokenBytes::align`] does. If the
//! next anchor is nearer, they are compared from there, backwards.

use super::TokenSpan;
use super::token_bytes::{Cursor, TokenBytes};

/// The added tokens of a tokenizer, by id.
///
/// Their ids nearly always form one range at the start or the end of the vocabulary, or one at each. Every id of a row
/// is looked up here, so the lookup must be fast: in the table of all token lengths it took a quarter of the time of
/// [`TokenBytes::align`].
#[derive(Debug, PartialEq)]
pub(in crate::tokenizer) struct AnchorIndex {
    ranges: Vec<IdRange>,
    /// Whether tokens spell the text, besides composed characters, so that they can be compared backwards too.
    keeps_text: bool,
}

/// Added tokens whose ids are close together.
#[derive(Debug, PartialEq)]
struct IdRange {
    first: u32,
    /// Texts by id, starting at `first`; empty for an id that is not an added token.
    texts: Vec<Box<[u8]>>,
}

/// A gap of more ids than this starts a new range.
const MAX_GAP: usize = 64;

/// An added token in a text.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    token: usize,
    start: usize,
    end: usize,
}

impl AnchorIndex {
    /// An index of `added`, pairs of id and text.
    ///
    /// The tokenizer must cut these tokens out of a text exactly as they are written, in every context, and must never
    /// give one of their ids to another text. `keeps_text`: it changes texts at most by composing characters.
    pub(in crate::tokenizer) fn new<'t>(added: impl Iterator<Item = (u32, &'t str)>, keeps_text: bool) -> AnchorIndex {
        let mut added: Vec<(u32, &str)> = added.filter(|(_, text)| !text.is_empty()).collect();
        added.sort_unstable();
        let mut ranges: Vec<IdRange> = Vec::new();
        for (id, text) in added {
            let text = text.as_bytes().into();
            match ranges.last_mut() {
                Some(range) if ((id - range.first) as usize) < range.texts.len() + MAX_GAP => {
                    range.texts.resize((id - range.first) as usize, Box::default());
                    range.texts.push(text);
                }
                _ => ranges.push(IdRange { first: id, texts: vec![text] }),
            }
        }
        AnchorIndex { ranges, keeps_text }
    }

    /// The text of an added token.
    fn text(&self, id: u32) -> Option<&[u8]> {
        let text = self.ranges.iter().find_map(|range| range.texts.get(id.wrapping_sub(range.first) as usize));
        text.map(|text| &**text).filter(|text| !text.is_empty())
    }

    /// The first added token at or after `cursor`. None if the ids contain one that is not in the text.
    fn next(&self, cursor: Cursor, ids: &[u32], text: &[u8]) -> Option<Anchor> {
        let none = Anchor { token: ids.len(), start: usize::MAX, end: usize::MAX };
        let mut rest = ids.iter().enumerate().skip(cursor.token);
        let Some((token, wanted)) = rest.find_map(|(token, &id)| Some((token, self.text(id)?))) else {
            return Some(none);
        };
        let start = cursor.byte + find(&text[cursor.byte..], wanted)?;
        Some(Anchor { token, start, end: start + wanted.len() })
    }

    /// Appends the token spans of `text` between `edges` to `spans`; the edges are ascending positions on character
    /// boundaries. Returns false if the tokens around an edge could not be aligned; `spans` is then incomplete.
    pub(in crate::tokenizer) fn spans(
        &self,
        token_bytes: &TokenBytes,
        ids: &[u32],
        text: &str,
        edges: &[usize],
        spans: &mut Vec<TokenSpan>,
    ) -> bool {
        self.align_edges(token_bytes, ids, text, edges, spans).is_some()
    }

    fn align_edges(
        &self,
        token_bytes: &TokenBytes,
        ids: &[u32],
        text: &str,
        edges: &[usize],
        spans: &mut Vec<TokenSpan>,
    ) -> Option<()> {
        let bytes = text.as_bytes();
        let step = |cursor: Cursor| token_bytes.step(cursor, *ids.get(cursor.token)?, bytes);
        let span = |cursor: Cursor| TokenSpan { tokens: cursor.token, end: cursor.byte };
        let mut cursor = Cursor::default();
        let mut last = TokenSpan::default();
        let mut anchor = self.next(cursor, ids, bytes)?;
        for &edge in edges {
            if edge <= cursor.byte {
                continue;
            }
            while anchor.start <= edge {
                cursor = Cursor { token: anchor.token, byte: anchor.start, inside: true };
                if anchor.end > edge {
                    break;
                }
                cursor = Cursor { token: anchor.token + 1, byte: anchor.end, inside: false };
                anchor = self.next(cursor, ids, bytes)?;
            }
            if self.keeps_text
                && let Some(near) = from_behind(token_bytes, ids, text, (cursor, anchor), edge)
            {
                cursor = near;
            }
            let mut before = cursor;
            while cursor.byte < edge {
                if text.is_char_boundary(cursor.byte) {
                    before = cursor;
                }
                cursor = step(cursor)?;
            }
            if cursor.byte > edge {
                if before.token > last.tokens {
                    spans.push(span(before));
                }
                while !text.is_char_boundary(cursor.byte) {
                    cursor = step(cursor)?;
                }
            }
            last = span(cursor);
            spans.push(last);
            if cursor.token > anchor.token {
                anchor = self.next(cursor, ids, bytes)?;
            }
        }
        if last.tokens < ids.len() {
            spans.push(TokenSpan { tokens: ids.len(), end: text.len() });
        }
        Some(())
    }
}

/// The last position up to `edge` that is on a character boundary, if the way back from `anchor` is shorter than the way
/// from `cursor`. A system prompt has tools near its end; for labels and regions, this saved 4 µs of a row of
/// sgd.
fn from_behind(
    token_bytes: &TokenBytes,
    ids: &[u32],
    text: &str,
    (cursor, anchor): (Cursor, Anchor),
    edge: usize,
) -> Option<Cursor> {
    let is_ahead = anchor.token < ids.len() && anchor.start > edge;
    if !is_ahead || anchor.start - edge >= edge - cursor.byte {
        return None;
    }
    let (mut token, mut byte) = (anchor.token, anchor.start);
    while byte > edge || !text.is_char_boundary(byte) {
        token = token.checked_sub(1)?;
        byte = token_bytes.step_back(byte, ids[token], text.as_bytes())?;
    }
    // The tokens before must have as many bytes as the text before. Otherwise the text was changed, and the way from `cursor`
    // finds the difference.
    let (before, bytes) = (ids.get(cursor.token..token)?, byte.checked_sub(cursor.byte)?);
    (token_bytes.total(before) == bytes).then_some(Cursor { token, byte, inside: token > cursor.token })
}

/// Finds `wanted` in `text`. It is short and near the start, so building a searcher would cost more than it saves.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    memchr::memchr_iter(first, text).find(|&at| text[at..].starts_with(wanted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::token_bytes::Alphabet;
    use super::super::token_spans;
    use super::*;

    /// Tokens of single bytes, the two halves of é of which the second includes a letter, and two added tokens.
    fn tokenizer() -> (TokenBytes, AnchorIndex, Vec<&'static [u8]>) {
        let vocabulary =
            [("a", 0, false), ("Ġa", 1, false), ("Ã", 2, false), ("©b", 3, false), ("<e>", 4, true), ("<", 5, true)];
        let bytes: Vec<&[u8]> = vec![b"a", b" a", b"\xc3", b"\xa9b", b"<e>", b"<"];
        let added = vocabulary.iter().filter(|(_, _, added)| *added).map(|(text, id, _)| (*id, *text));
        (TokenBytes::new(Alphabet::Bytes, vocabulary.into_iter()), AnchorIndex::new(added, true), bytes)
    }

    #[test]
    fn an_added_token_missing_from_the_text_fails_the_alignment() {
        let (token_bytes, anchors, _) = tokenizer();
        assert!(!anchors.spans(&token_bytes, &[0, 4, 0], "a<x>a", &[4], &mut Vec::new()));
        assert!(!anchors.spans(&token_bytes, &[0, 0], "a a", &[3], &mut Vec::new()));
        assert!(!anchors.spans(&token_bytes, &[0], "aa", &[2], &mut Vec::new()));
    }

    #[test]
    fn tokens_that_do_not_spell_the_text_fail_the_alignment() {
        let (token_bytes, anchors, _) = tokenizer();
        // A normalizer dropped one space, or all of them.
        for (ids, text, edges) in [(&[0, 0, 4][..], "a a<e>", &[2][..]), (&[0, 0, 4], "a  a<e>", &[1, 3])] {
            assert!(!anchors.spans(&token_bytes, ids, text, edges, &mut Vec::new()), "{text}");
        }
    }

    #[test]
    fn tokens_far_from_an_edge_are_not_compared() {
        let (token_bytes, anchors, _) = tokenizer();
        let mut found = Vec::new();
        // Token 99 is wrong for x, but x is far from the edge after <e>.
        assert!(anchors.spans(&token_bytes, &[99, 4, 0, 0], "x<e>aa", &[5], &mut found));
        let expected = [(3, 5), (4, 6)].map(|(tokens, end)| TokenSpan { tokens, end });
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn equals_the_full_alignment(
            // é has two tokens, and the second includes a letter.
            ids in proptest::collection::vec(prop_oneof![Just(vec![0u32]), Just(vec![1]), Just(vec![2, 3]), Just(vec![4]), Just(vec![5])], 0..30),
            edges in proptest::collection::vec(0usize..80, 0..8),
        ) {
            let (token_bytes, anchors, bytes) = tokenizer();
            let ids = ids.concat();
            let text = String::from_utf8(ids.iter().flat_map(|id| bytes[*id as usize].to_vec()).collect()).unwrap();
            let mut edges: Vec<usize> = edges.into_iter().filter(|edge| text.is_char_boundary(*edge)).collect();
            edges.sort_unstable();
            edges.dedup();
            let mut ends = Vec::new();
            prop_assert!(token_bytes.align(&ids, text.as_bytes(), 0, &mut ends));
            let (mut full, mut anchored) = (Vec::new(), Vec::new());
            token_spans(&text, &ends, &edges, &mut full);
            prop_assert!(anchors.spans(&token_bytes, &ids, &text, &edges, &mut anchored));
            prop_assert_eq!(full, anchored);
        }
    }
}
