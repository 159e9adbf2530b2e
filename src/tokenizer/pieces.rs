//! `Pieces`: the bytes each token stands for, and with them the proof of where tokens lie in a text.
//!
//! The tokens of a text are placed by comparing their bytes with the text, one after the other. What matches to the
//! last byte is proved; what does not (a normaliser changed the text, a token stands for something unknown) is left
//! to the reference. A running sum of token lengths would be a little quicker, and silently wrong where two changes
//! of a normaliser cancel out.

/// Which alphabet a vocabulary is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Each character stands for one byte, as in GPT-2.
    Bytes,
    /// `▁` stands for a space, `<0x0A>` for a byte, and a segment may begin with a space that the text lacks.
    Metaspace,
}

impl Alphabet {
    /// What a token of the model stands for. None if it can stand for nothing.
    pub(super) fn bytes(self, token: &str) -> Option<Vec<u8>> {
        match self {
            Alphabet::Bytes => token.chars().map(byte_of).collect(),
            Alphabet::Metaspace => Some(metaspace_bytes(token)),
        }
    }
}

/// The bytes of every token, by id.
///
/// The lengths lie apart from the rest. Where a token begins hangs on the lengths of all before it, so these must come
/// quickly, and a table of two bytes a token stays near the processor; the bytes to compare may come later. With all in
/// one table, two thirds of the time went into waiting for it.
#[derive(Debug)]
pub(super) struct Pieces {
    alphabet: Alphabet,
    lengths: Vec<Length>,
    /// The first bytes of each piece, filled up with zeros.
    heads: Vec<u64>,
    /// Where in `bytes` a piece begins that is longer than its head.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// How many bytes a piece has, and whether it is an added token.
#[derive(Debug, Clone, Copy, Default)]
struct Length(u16);

impl Length {
    const ADDED: u16 = 1 << 15;

    /// 0 if there are too many bytes to count: such a token is not known.
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

/// For each length of a piece the bits of a head that are its own.
const MASKS: [u64; HEAD + 1] =
    [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];

/// The first bytes of a text, as a head has them.
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<HEAD>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

/// Whether two texts of one length, more than a head, are equal behind the head.
fn ends_alike(left: &[u8], right: &[u8]) -> bool {
    match (left.last_chunk::<HEAD>(), right.last_chunk::<HEAD>()) {
        // The last bytes reach back to the first ones.
        (Some(left_end), Some(right_end)) if left.len() <= 2 * HEAD => left_end == right_end,
        _ => left[HEAD..] == right[HEAD..],
    }
}

impl Pieces {
    /// From the entries of a vocabulary: token, id, and whether it is an added token, which stands for itself.
    pub(super) fn new<'v>(alphabet: Alphabet, vocabulary: impl Iterator<Item = (&'v str, u32, bool)>) -> Pieces {
        let mut entries: Vec<(u32, Vec<u8>, bool)> = vocabulary
            .map(|(token, id, added)| {
                let bytes = if added { Some(token.as_bytes().to_vec()) } else { alphabet.bytes(token) };
                (id, bytes.unwrap_or_default(), added)
            })
            .collect();
        entries.sort_by_key(|(id, _, added)| (*id, *added));
        let mut pieces =
            Pieces { alphabet, lengths: Vec::new(), heads: Vec::new(), starts: Vec::new(), bytes: Vec::new() };
        for (index, (id, bytes, added)) in entries.iter().enumerate() {
            // Of two entries for one id the added token counts, and it was sorted last.
            if entries.get(index + 1).is_some_and(|(next, _, _)| next == id) {
                continue;
            }
            while pieces.lengths.len() < *id as usize {
                pieces.push(&[], false);
            }
            pieces.push(bytes, *added);
        }
        pieces
    }

    fn push(&mut self, bytes: &[u8], added: bool) {
        self.lengths.push(Length::new(bytes.len(), added));
        self.heads.push(head(bytes));
        self.starts.push(self.bytes.len() as u32);
        if bytes.len() > HEAD {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether `text` begins with the piece of a token that has `length` bytes.
    fn begins(&self, text: &[u8], id: usize, length: usize) -> bool {
        match text.first_chunk::<HEAD>() {
            // Nearly all pieces: one comparison of eight bytes, of which those behind the piece do not count.
            Some(chunk) => {
                (u64::from_le_bytes(*chunk) ^ self.heads[id]) & MASKS[length.min(HEAD)] == 0
                    && (length <= HEAD
                        || text.get(..length).is_some_and(|text| ends_alike(text, self.long(id, length))))
            }
            None => text.get(..length).is_some_and(|text| head(text) == self.heads[id] && length <= HEAD),
        }
    }

    /// Whether the piece begins with a space, and `text` with the rest of it.
    fn begins_behind_space(&self, text: &[u8], id: usize, length: usize) -> bool {
        let short = self.heads[id].to_le_bytes();
        let bytes = if length > HEAD { self.long(id, length) } else { &short[..length] };
        bytes[0] == b' ' && text.starts_with(&bytes[1..])
    }

    /// The bytes of a piece that is longer than a head.
    fn long(&self, id: usize, length: usize) -> &[u8] {
        &self.bytes[self.starts[id] as usize..self.starts[id] as usize + length]
    }

    /// How many ids there may be.
    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether `id` is an added token.
    pub(super) fn is_added(&self, id: u32) -> bool {
        self.lengths.get(id as usize).is_some_and(|length| length.is_added())
    }

    /// Appends the end of each token, counted from `base`, if the tokens make up `text` to the last byte.
    pub(super) fn place(&self, ids: &[u32], text: &[u8], base: u32, ends: &mut Vec<u32>) -> bool {
        let mut place = Place::default();
        ends.reserve(ids.len());
        for &id in ids {
            let Some(next) = self.step(place, id, text) else { return false };
            place = next;
            ends.push(base + place.byte as u32);
        }
        place.byte == text.len()
    }

    /// The place behind the token `id`, if its bytes are those at `place`.
    #[inline]
    pub(super) fn step(&self, place: Place, id: u32, text: &[u8]) -> Option<Place> {
        let index = id as usize;
        let known = self.lengths.get(index).copied().unwrap_or_default();
        let (length, rest) = (known.bytes(), &text[place.byte..]);
        if length == 0 {
            return None;
        }
        let metaspace = self.alphabet == Alphabet::Metaspace;
        let bytes = if self.begins(rest, index, length) {
            length
        } else if metaspace && !place.inside && self.begins_behind_space(rest, index, length) {
            length - 1
        } else {
            return None;
        };
        Some(Place { token: place.token + 1, byte: place.byte + bytes, inside: !known.is_added() })
    }
}

/// A place between two tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Tokens before it.
    pub(super) token: usize,
    /// Bytes before it.
    pub(super) byte: usize,
    /// Whether it lies inside a segment: not at the beginning of the text, and not behind an added token.
    pub(super) inside: bool,
}

/// The inverse of GPT-2's table: printable bytes stand for themselves, the others follow from U+0100 on.
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

    fn bytes_pieces() -> Pieces {
        Pieces::new(
            Alphabet::Bytes,
            [("a", 0, false), ("Ġ", 1, false), ("Ġa", 2, false), ("Ã", 3, false), ("©", 4, false), ("<end>", 6, true)]
                .into_iter(),
        )
    }

    #[test]
    fn bytes_are_compared_to_the_last() {
        let pieces = bytes_pieces();
        let mut ends = Vec::new();
        assert!(pieces.place(&[0, 2, 3, 4, 6], "a aé<end>".as_bytes(), 10, &mut ends));
        assert_eq!(ends, [11, 13, 14, 15, 20]);
        for (ids, text) in [(&[0u32][..], "b"), (&[0], "aa"), (&[5], "x"), (&[99], "a"), (&[0, 0], "a")] {
            assert!(!pieces.place(ids, text.as_bytes(), 0, &mut Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_segment_may_begin_with_a_space_that_the_text_lacks() {
        let pieces = Pieces::new(
            Alphabet::Metaspace,
            [("▁a", 0, false), ("▁", 1, false), ("<0x0A>", 2, false), ("<s>", 3, true)].into_iter(),
        );
        let mut ends = Vec::new();
        assert!(pieces.place(&[0, 0, 2, 3, 0], b"a a\n<s>a", 0, &mut ends));
        assert_eq!(ends, [1, 3, 4, 7, 8]);
        assert!(!pieces.place(&[0, 0], b"aa", 0, &mut Vec::new()));
    }

    proptest! {
        #[test]
        fn pieces_are_compared_to_their_last_byte(
            (piece, text) in ("[ab]{0,3}", "[ab]{1,20}", "[ab]{0,9}").prop_map(|(other, piece, rest)| {
                let text = if other.len() == 3 { format!("{piece}{rest}") } else { format!("{other}{rest}") };
                (if other.len() == 2 { format!(" {piece}") } else { piece }, text)
            }),
        ) {
            let pieces = Pieces::new(Alphabet::Metaspace, [(piece.as_str(), 0, true)].into_iter());
            let (text, bytes) = (text.as_bytes(), piece.as_bytes());
            prop_assert_eq!(pieces.begins(text, 0, bytes.len()), text.starts_with(bytes));
            let behind = bytes[0] == b' ' && text.starts_with(&bytes[1..]);
            prop_assert_eq!(pieces.begins_behind_space(text, 0, bytes.len()), behind);
        }

        #[test]
        fn what_is_placed_reads_back(ids in proptest::collection::vec(0u32..5, 0..30)) {
            let pieces = bytes_pieces();
            let bytes = |id: u32| [&b"a"[..], b" ", b" a", b"\xc3", b"\xa9"][id as usize].to_vec();
            let text: Vec<u8> = ids.iter().flat_map(|id| bytes(*id)).collect();
            let mut ends = Vec::new();
            prop_assert!(pieces.place(&ids, &text, 0, &mut ends));
            let mut start = 0;
            for (id, end) in ids.iter().zip(ends) {
                prop_assert_eq!(&text[start..end as usize], bytes(*id));
                start = end as usize;
            }
        }
    }
}
