//! `TokenBytes`: the bytes of every token, used to prove where tokens lie in a text.
//!
//! Tokens are aligned by comparing their bytes with the text, one token after the other. If all bytes match, the
//! offsets are proved. If they do not match (a normalizer changed the text, or a token stands for unknown text), the
//! reference engine gives the offsets. A running sum of token lengths would be slightly faster, but wrong without
//! notice where two changes of a normalizer cancel out.

/// How a vocabulary writes the bytes of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tokenizer) enum Alphabet {
    /// Each character stands for one byte, as in GPT-2.
    Bytes,
    /// `▁` stands for a space and `<0x0A>` for a byte. A segment may start with a space that is not in the text.
    Metaspace,
}

impl Alphabet {
    /// The bytes of a token of the model. None if the token is not written in this alphabet.
    pub(in crate::tokenizer) fn bytes(self, token: &str) -> Option<Vec<u8>> {
        match self {
            Alphabet::Bytes => token.chars().map(byte_of).collect(),
            Alphabet::Metaspace => Some(metaspace_bytes(token)),
        }
    }
}

/// The bytes of every token, by id.
///
/// The lengths are in a separate table. The start of a token depends on the lengths of all tokens before it, so a
/// length must be available quickly, and a table of two bytes per token stays in the processor's cache. The bytes to
/// compare may arrive later. With everything in one table, two thirds of the time was spent waiting for it.
#[derive(Debug, PartialEq)]
pub(in crate::tokenizer) struct TokenBytes {
    alphabet: Alphabet,
    lengths: Vec<Length>,
    /// The first bytes of each token, filled up with zeros.
    heads: Vec<u64>,
    /// For a token longer than its head: where it starts in `bytes`.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// The number of bytes of a token, and whether it is an added token.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Length(u16);

impl Length {
    const ADDED: u16 = 1 << 15;

    /// A length that does not fit is stored as 0, which means that the token cannot be aligned.
    fn new(bytes: usize, added: bool) -> Length {
        let length = u16::try_from(bytes).ok().filter(|length| *length < Length::ADDED).unwrap_or(0);
        Length(length | if added { Length::ADDED } else { 0 })
    }

    fn bytes(self) -> usize {
        usize::from(self.0 & !Length::ADDED)
    }

    fn is_added(self) -> bool {
        self.0 & Length::ADDED != 0
    }
}

/// Bytes of a head.
const HEAD: usize = 8;

/// By token length: the bits of a head that belong to the token.
const MASKS: [u64; HEAD + 1] =
    [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];

/// The first bytes of `bytes` as a head.
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<HEAD>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

/// Compares the bytes after the head of two slices. Both have the same length, which is longer than a head.
fn tails_match(left: &[u8], right: &[u8]) -> bool {
    match (left.last_chunk::<HEAD>(), right.last_chunk::<HEAD>()) {
        // The last eight bytes reach back to the head.
        (Some(left_end), Some(right_end)) if left.len() <= 2 * HEAD => left_end == right_end,
        _ => left[HEAD..] == right[HEAD..],
    }
}

impl TokenBytes {
    /// A table of `vocabulary`: token, id, and whether it is an added token, which is written as its own text.
    pub(in crate::tokenizer) fn new<'v>(
        alphabet: Alphabet,
        vocabulary: impl Iterator<Item = (&'v str, u32, bool)>,
    ) -> TokenBytes {
        let mut entries: Vec<(u32, Vec<u8>, bool)> = vocabulary
            .map(|(token, id, added)| {
                let bytes = if added { Some(token.as_bytes().to_vec()) } else { alphabet.bytes(token) };
                (id, bytes.unwrap_or_default(), added)
            })
            .collect();
        entries.sort_by_key(|(id, _, added)| (*id, *added));
        let mut table =
            TokenBytes { alphabet, lengths: Vec::new(), heads: Vec::new(), starts: Vec::new(), bytes: Vec::new() };
        for (index, (id, bytes, added)) in entries.iter().enumerate() {
            // If one id has two entries, the added token wins. It was sorted last.
            if entries.get(index + 1).is_some_and(|(next, _, _)| next == id) {
                continue;
            }
            while table.lengths.len() < *id as usize {
                table.push(&[], false);
            }
            table.push(bytes, *added);
        }
        table
    }

    fn push(&mut self, bytes: &[u8], added: bool) {
        self.lengths.push(Length::new(bytes.len(), added));
        self.heads.push(head(bytes));
        self.starts.push(self.bytes.len() as u32);
        if bytes.len() > HEAD {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether `text` starts with the `length` bytes of token `id`.
    fn matches(&self, text: &[u8], id: usize, length: usize) -> bool {
        match text.first_chunk::<HEAD>() {
            // Nearly all tokens: one comparison of eight bytes; the mask removes those after the token.
            Some(chunk) => {
                (u64::from_le_bytes(*chunk) ^ self.heads[id]) & MASKS[length.min(HEAD)] == 0
                    && (length <= HEAD
                        || text.get(..length).is_some_and(|text| tails_match(text, self.long(id, length))))
            }
            None => text.get(..length).is_some_and(|text| head(text) == self.heads[id] && length <= HEAD),
        }
    }

    /// Whether token `id` starts with a space and `text` starts with the rest of the token.
    fn matches_without_space(&self, text: &[u8], id: usize, length: usize) -> bool {
        let short = self.heads[id].to_le_bytes();
        let bytes = if length > HEAD { self.long(id, length) } else { &short[..length] };
        bytes[0] == b' ' && text.starts_with(&bytes[1..])
    }

    /// The bytes of a token that is longer than a head.
    fn long(&self, id: usize, length: usize) -> &[u8] {
        &self.bytes[self.starts[id] as usize..self.starts[id] as usize + length]
    }

    /// Appends the bytes of token `id`. Returns false if they are not known.
    pub(in crate::tokenizer) fn append_bytes(&self, id: u32, bytes: &mut Vec<u8>) -> bool {
        let index = id as usize;
        let length = self.lengths.get(index).copied().unwrap_or_default().bytes();
        match length {
            0 => return false,
            1..=HEAD => bytes.extend_from_slice(&self.heads[index].to_le_bytes()[..length]),
            _ => bytes.extend_from_slice(self.long(index, length)),
        }
        true
    }

    /// The number of ids: the largest id plus one.
    pub(in crate::tokenizer) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether `id` is an added token.
    pub(in crate::tokenizer) fn is_added(&self, id: u32) -> bool {
        self.lengths.get(id as usize).is_some_and(|length| length.is_added())
    }

    /// Appends the end of each token, counted from `base`. Returns whether the tokens spell `text` exactly; if not,
    /// `ends` is incomplete.
    pub(in crate::tokenizer) fn align(&self, ids: &[u32], text: &[u8], base: u32, ends: &mut Vec<u32>) -> bool {
        let mut cursor = Cursor::default();
        ends.reserve(ids.len());
        for &id in ids {
            let Some(next) = self.step(cursor, id, text) else { return false };
            cursor = next;
            ends.push(base + cursor.byte as u32);
        }
        cursor.byte == text.len()
    }

    /// The position after token `id`, if `text` has the bytes of the token at `cursor`.
    #[inline]
    pub(super) fn step(&self, cursor: Cursor, id: u32, text: &[u8]) -> Option<Cursor> {
        let index = id as usize;
        let known = self.lengths.get(index).copied().unwrap_or_default();
        let (length, rest) = (known.bytes(), &text[cursor.byte..]);
        if length == 0 {
            return None;
        }
        let metaspace = self.alphabet == Alphabet::Metaspace;
        let bytes = if self.matches(rest, index, length) {
            length
        } else if metaspace && !cursor.inside && self.matches_without_space(rest, index, length) {
            length - 1
        } else {
            return None;
        };
        Some(Cursor { token: cursor.token + 1, byte: cursor.byte + bytes, inside: !known.is_added() })
    }

    /// The number of bytes of tokens.
    pub(super) fn total(&self, ids: &[u32]) -> usize {
        ids.iter().map(|&id| self.lengths.get(id as usize).copied().unwrap_or_default().bytes()).sum()
    }

    /// The position before token `id`, which ends at `end`, if `text` has its bytes there. None also if the bytes of a
    /// token depend on the text before it.
    #[inline]
    pub(super) fn step_back(&self, end: usize, id: u32, text: &[u8]) -> Option<usize> {
        let index = id as usize;
        let length = self.lengths.get(index).copied().unwrap_or_default().bytes();
        if length == 0 || self.alphabet != Alphabet::Bytes {
            return None;
        }
        let start = end.checked_sub(length)?;
        self.matches(&text[start..], index, length).then_some(start)
    }
}

/// A position between two tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Number of tokens before it.
    pub(super) token: usize,
    /// Number of bytes before it.
    pub(super) byte: usize,
    /// Whether it lies inside a segment, that is, neither at the start of the text nor right after an added token.
    pub(super) inside: bool,
}

/// The inverse of GPT-2's table: printable bytes stand for themselves, the others start at U+0100.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => Some(code as u8),
        0x100..=0x120 => Some((code - 0x100) as u8),
        0x121..=0x142 => Some((code - 0x121) as u8 + 0x7f),
        0x143 => Some(0xad),
        _ => None,
    }
}

fn metaspace_bytes(token: &str) -> Vec<u8> {
    let hex = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => vec![byte],
        None => token.replace('▁', " ").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn byte_level() -> TokenBytes {
        TokenBytes::new(
            Alphabet::Bytes,
            [("a", 0, false), ("Ġ", 1, false), ("Ġa", 2, false), ("Ã", 3, false), ("©", 4, false), ("<end>", 6, true)]
                .into_iter(),
        )
    }

    #[test]
    fn all_bytes_are_compared() {
        let table = byte_level();
        let mut ends = Vec::new();
        assert!(table.align(&[0, 2, 3, 4, 6], "a aé<end>".as_bytes(), 10, &mut ends));
        assert_eq!(ends, [11, 13, 14, 15, 20]);
        for (ids, text) in [(&[0u32][..], "b"), (&[0], "aa"), (&[5], "x"), (&[99], "a"), (&[0, 0], "a")] {
            assert!(!table.align(ids, text.as_bytes(), 0, &mut Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_segment_may_start_with_a_space_that_is_not_in_the_text() {
        let table = TokenBytes::new(
            Alphabet::Metaspace,
            [("▁a", 0, false), ("▁", 1, false), ("<0x0A>", 2, false), ("<s>", 3, true)].into_iter(),
        );
        let mut ends = Vec::new();
        assert!(table.align(&[0, 0, 2, 3, 0], b"a a\n<s>a", 0, &mut ends));
        assert_eq!(ends, [1, 3, 4, 7, 8]);
        assert!(!table.align(&[0, 0], b"aa", 0, &mut Vec::new()));
    }

    proptest! {
        #[test]
        fn tokens_are_compared_up_to_their_last_byte(
            (token, text) in ("[ab]{0,3}", "[ab]{1,20}", "[ab]{0,9}").prop_map(|(other, token, rest)| {
                let text = if other.len() == 3 { format!("{token}{rest}") } else { format!("{other}{rest}") };
                (if other.len() == 2 { format!(" {token}") } else { token }, text)
            }),
        ) {
            let table = TokenBytes::new(Alphabet::Metaspace, [(token.as_str(), 0, true)].into_iter());
            let (text, bytes) = (text.as_bytes(), token.as_bytes());
            prop_assert_eq!(table.matches(text, 0, bytes.len()), text.starts_with(bytes));
            let without_space = bytes[0] == b' ' && text.starts_with(&bytes[1..]);
            prop_assert_eq!(table.matches_without_space(text, 0, bytes.len()), without_space);
        }

        #[test]
        fn aligned_tokens_read_back(ids in proptest::collection::vec(0u32..5, 0..30)) {
            let table = byte_level();
            let bytes = |id: u32| [&b"a"[..], b" ", b" a", b"\xc3", b"\xa9"][id as usize].to_vec();
            let text: Vec<u8> = ids.iter().flat_map(|id| bytes(*id)).collect();
            let mut ends = Vec::new();
            prop_assert!(table.align(&ids, &text, 0, &mut ends));
            let mut start = 0;
            for (id, end) in ids.iter().zip(ends) {
                prop_assert_eq!(&text[start..end as usize], bytes(*id));
                start = end as usize;
            }
        }
    }
}
