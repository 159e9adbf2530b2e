//! `ControlEdges`: tells fast that the values of a row have no part of a control token.
//!
//! Nearly all rows are such rows. Searching all added tokens again, as the tokenizer does later, takes a tenth of their
//! time: the search finds the template's own tokens, several for each message. A control token with bytes of a row
//! either starts in them, or has the last byte before them and their first byte side by side. So it is enough to look at
//! the bytes of the row.

use std::ops::Range;

/// The bytes with which control tokens start, and their pairs of bytes.
pub(super) struct ControlEdges {
    /// The bytes with which they start.
    first: FirstBytes,
    /// For each pair of bytes, whether one of them starts with it. A token of one byte starts with all pairs.
    starts: PairSet,
    /// For each pair of bytes, whether one of them has it.
    pairs: PairSet,
}

/// A set of bytes to search.
enum FirstBytes {
    None,
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    Many(Box<[bool; 256]>),
}

/// A set of pairs of bytes, one bit each.
struct PairSet(Box<[u64; 1024]>);

impl ControlEdges {
    /// The edges of these control tokens.
    pub(super) fn new<'t>(tokens: impl Iterator<Item = &'t [u8]>) -> ControlEdges {
        let mut is_first = Box::new([false; 256]);
        let (mut starts, mut pairs) = (PairSet::new(), PairSet::new());
        for token in tokens {
            let Some(&first) = token.first() else { continue };
            is_first[first as usize] = true;
            token.windows(2).for_each(|pair| pairs.insert(pair[0], pair[1]));
            match token.get(1) {
                Some(&second) => starts.insert(first, second),
                None => (0..=u8::MAX).for_each(|second| starts.insert(first, second)),
            }
        }
        let bytes: Vec<u8> = (0..=u8::MAX).filter(|&byte| is_first[byte as usize]).collect();
        let first = match bytes[..] {
            [] => FirstBytes::None,
            [a] => FirstBytes::One(a),
            [a, b] => FirstBytes::Two(a, b),
            [a, b, c] => FirstBytes::Three(a, b, c),
            _ => FirstBytes::Many(is_first),
        };
        ControlEdges { first, starts, pairs }
    }

    /// Whether no control token in `text` has a byte outside of the ranges `written`. If not, there may be one. The
    /// ranges are in the order of the text and do not touch.
    pub(super) fn are_clear(&self, text: &[u8], written: &[Range<usize>]) -> bool {
        let mut start = 0;
        for next in written.iter().map(|range| range.start..range.end).chain([text.len()..text.len()]) {
            if start < next.start && !self.is_clear(text, start..next.start) {
                return false;
            }
            start = next.end;
        }
        true
    }

    /// Whether no control token has one of these bytes, if those before them belong to the template.
    fn is_clear(&self, text: &[u8], bytes: Range<usize>) -> bool {
        let crosses = bytes.start.checked_sub(1).is_some_and(|last| self.pairs.contains(text[last], text[bytes.start]));
        !crosses && !self.has_start(text, bytes)
    }

    /// Whether one of these bytes and the byte after it are the start of a control token.
    fn has_start(&self, text: &[u8], bytes: Range<usize>) -> bool {
        let starts = |at: usize| match text.get(bytes.start + at + 1) {
            Some(&second) => self.starts.contains(text[bytes.start + at], second),
            // A token of one byte starts with all pairs.
            None => self.starts.contains(text[bytes.start + at], 0),
        };
        let part = &text[bytes.clone()];
        match self.first {
            FirstBytes::None => false,
            FirstBytes::One(a) => memchr::memchr_iter(a, part).any(starts),
            FirstBytes::Two(a, b) => memchr::memchr2_iter(a, b, part).any(starts),
            FirstBytes::Three(a, b, c) => memchr::memchr3_iter(a, b, c, part).any(starts),
            FirstBytes::Many(ref is_first) => (0..part.len()).any(|at| is_first[part[at] as usize] && starts(at)),
        }
    }
}

impl PairSet {
    fn new() -> PairSet {
        PairSet(Box::new([0; 1024]))
    }

    fn insert(&mut self, first: u8, second: u8) {
        self.0[usize::from(first) * 4 + usize::from(second >> 6)] |= 1 << (second & 63);
    }

    fn contains(&self, first: u8, second: u8) -> bool {
        self.0[usize::from(first) * 4 + usize::from(second >> 6)] >> (second & 63) & 1 != 0
    }
}

impl std::fmt::Debug for ControlEdges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlEdges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn are_clear(tokens: &[&str], text: &str, written: &[Range<usize>]) -> bool {
        ControlEdges::new(tokens.iter().map(|token| token.as_bytes())).are_clear(text.as_bytes(), written)
    }

    #[test]
    fn a_token_of_the_template_is_clear_and_one_of_a_row_is_not() {
        let tokens = ["<|a|>", "<|b|>"];
        assert!(are_clear(&tokens, "<|a|>x < y<|b|>", &[0..5, 10..15]));
        assert!(!are_clear(&tokens, "<|a|>x<|b|>", &[0..5]));
        assert!(!are_clear(&tokens, "<|a|>", &[0..2, 3..5]), "the byte in the middle is of the row");
        assert!(!are_clear(&tokens, "<|a|>", &[1..5]), "the first byte is of the row");
        assert!(!are_clear(&tokens, "<|a|>", &[0..4]), "the last byte is of the row");
        assert!(are_clear(&["x"], "y", &[]) && !are_clear(&["x"], "x", &[]));
        assert!(are_clear(&[], "<|a|>", &[]) && are_clear(&tokens, "", &[]));
    }

    proptest! {
        /// Texts and tokens of few letters: tokens lie everywhere.
        #[test]
        fn what_is_clear_has_no_token(
            tokens in prop::collection::vec("[abcde]{1,4}", 0..6),
            text in "[abcdefé]{0,24}",
            cuts in prop::collection::btree_set(0_usize..30, 0..8),
        ) {
            let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
            let written: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let is_written = |part: Range<usize>| written.iter().any(|range| range.start <= part.start && part.end <= range.end);
            let has_token = tokens.iter().any(|token| {
                (0..text.len()).any(|at| {
                    let part = at..at + token.len();
                    text.as_bytes().get(part.clone()) == Some(token.as_bytes()) && !is_written(part)
                })
            });
            if are_clear(&tokens, &text, &written) {
                prop_assert!(!has_token, "{text:?} {tokens:?} {written:?}");
            }
        }
    }
}
