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

/// The bytes of every token, by id.
#[derive(Debug)]
pub(super) struct Pieces {
    alphabet: Alphabet,
    pieces: Vec<Piece>,
    /// The bytes of pieces longer than a head.
    bytes: Vec<u8>,
}

/// The bytes of one token. Most fit into the head, so that one look into memory tells them: with all bytes elsewhere,
/// 600 tokens of English took twice as long to place.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    /// The first bytes, filled up with zeros.
    head: u64,
    /// Where all bytes of a long one begin.
    start: u32,
    /// How many bytes; 0 if they are not known, or are too many to count.
    length: u16,
    /// Whether it is an added token.
    added: bool,
}

/// Bytes of a head.
const HEAD: usize = 8;

/// The first bytes of a text, as a head has them.
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<HEAD>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

impl Pieces {
    /// From the entries of a vocabulary: token, id, and whether it is an added token, which stands for itself.
    pub(super) fn new<'v>(alphabet: Alphabet, vocabulary: impl Iterator<Item = (&'v str, u32, bool)>) -> Pieces {
        let byte_of = byte_alphabet();
        let mut entries: Vec<(u32, Vec<u8>, bool)> = vocabulary
            .map(|(token, id, added)| {
                let bytes = match alphabet {
                    _ if added => token.as_bytes().to_vec(),
                    Alphabet::Bytes => token
                        .chars()
                        .map(|c| byte_of.get(c as usize).copied().flatten())
                        .collect::<Option<_>>()
                        .unwrap_or_default(),
                    Alphabet::Metaspace => metaspace_bytes(token),
                };
                (id, bytes, added)
            })
            .collect();
        entries.sort_by_key(|(id, _, added)| (*id, *added));
        let mut pieces = Pieces { alphabet, pieces: Vec::new(), bytes: Vec::new() };
        for (index, (id, bytes, added)) in entries.iter().enumerate() {
            // Of two entries for one id the added token counts, and it was sorted last.
            if entries.get(index + 1).is_some_and(|(next, _, _)| next == id) {
                continue;
            }
            while pieces.pieces.len() < *id as usize {
                pieces.push(&[], false);
            }
            pieces.push(bytes, *added);
        }
        pieces
    }

    fn push(&mut self, bytes: &[u8], added: bool) {
        let start = self.bytes.len() as u32;
        if bytes.len() > HEAD {
            self.bytes.extend_from_slice(bytes);
        }
        let length = u16::try_from(bytes.len()).unwrap_or(0);
        self.pieces.push(Piece { head: head(bytes), start, length, added });
    }

    /// Whether `text` begins with a piece; `skip` bytes of the piece are not compared.
    fn begins(&self, text: &[u8], piece: &Piece, skip: usize) -> bool {
        let length = usize::from(piece.length) - skip;
        if text.len() < length {
            return false;
        }
        if usize::from(piece.length) > HEAD {
            let start = piece.start as usize + skip;
            return text[..length] == self.bytes[start..start + length];
        }
        // Of bytes that the text has beside the piece none may count.
        let unused = 8 * (HEAD - length) as u32;
        let kept = u64::MAX.checked_shr(unused).unwrap_or(0);
        (head(text) ^ piece.head.checked_shr(8 * skip as u32).unwrap_or(0)) & kept == 0
    }

    /// Whether `id` is an added token.
    pub(super) fn is_added(&self, id: u32) -> bool {
        self.pieces.get(id as usize).is_some_and(|piece| piece.added)
    }

    /// Appends the end of each token, counted from `base`, if the tokens make up `text` to the last byte.
    pub(super) fn place(&self, ids: &[u32], text: &[u8], base: u32, ends: &mut Vec<u32>) -> bool {
        let mut at = 0;
        let mut segment_start = true;
        ends.reserve(ids.len());
        for &id in ids {
            let Some(piece) = self.pieces.get(id as usize).filter(|piece| piece.length > 0) else { return false };
            if self.begins(&text[at..], piece, 0) {
                at += usize::from(piece.length);
            } else if self.alphabet == Alphabet::Metaspace
                && segment_start
                && piece.head as u8 == b' '
                && self.begins(&text[at..], piece, 1)
            {
                at += usize::from(piece.length) - 1;
            } else {
                return false;
            }
            segment_start = self.alphabet == Alphabet::Metaspace && piece.added;
            ends.push(base + at as u32);
        }
        at == text.len()
    }
}

/// The inverse of GPT-2's table: printable bytes stand for themselves, the others follow from U+0100 on.
fn byte_alphabet() -> Vec<Option<u8>> {
    let mut table = vec![None; 0x200];
    let mut next = 0x100;
    for byte in 0..=255u8 {
        let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let code = if printable { usize::from(byte) } else { next };
        if !printable {
            next += 1;
        }
        table[code] = Some(byte);
    }
    table
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
            piece in "[ a-c]{1,12}",
            text in "[ a-c]{0,14}",
            skip in 0usize..2,
        ) {
            let pieces = Pieces::new(Alphabet::Metaspace, [(piece.as_str(), 0, true)].into_iter());
            let expected = text.as_bytes().starts_with(&piece.as_bytes()[skip..]);
            prop_assert_eq!(pieces.begins(text.as_bytes(), &pieces.pieces[0], skip), expected);
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
