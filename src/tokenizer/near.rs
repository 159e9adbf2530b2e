//! `Anchors`: where tokens lie around a few edges of a text, without a look at the others.
//!
//! To compare the bytes of every token takes a sixth of the time of a row (9 of 56 µs for one of 717 tokens under
//! Llama 3.1), nearly all of it waiting for the tables. Labels need the tokens around the edges of what is trained, and
//! these lie close to added tokens, which are in the ids and can be found in the text: an added token is cut out before
//! anything else is done with a text, always at its leftmost place. So behind one that has its place, the next one in
//! the ids is the next one in the text. From such an anchor to the edge the tokens are compared byte for byte, as
//! [`Pieces::place`] does.

use super::pieces::{Pieces, Place};
use super::stretch::Stretch;

/// The added tokens of a tokenizer: as good as always one run of ids at the end of the vocabulary, or at its beginning,
/// or both. Every id of a row is looked up, so this must be quick: among the lengths of all tokens it took a quarter of
/// the time of [`Pieces::place`].
#[derive(Debug)]
pub(super) struct Anchors(Vec<Run>);

/// Added tokens with ids that lie close together.
#[derive(Debug)]
struct Run {
    first: u32,
    /// By id, from the first one on; empty where an id is no added token.
    texts: Vec<Box<[u8]>>,
}

/// Ids with more than so many others between them are two runs.
const CLOSE: usize = 64;

/// An added token in a text.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    token: usize,
    start: usize,
    end: usize,
}

impl Anchors {
    /// From the added tokens, each an id and its text. They must be cut out of a text as they stand there, whatever is
    /// around them, and no other text may become one of these ids.
    pub(super) fn new<'t>(added: impl Iterator<Item = (u32, &'t str)>) -> Anchors {
        let mut added: Vec<(u32, &str)> = added.filter(|(_, text)| !text.is_empty()).collect();
        added.sort_unstable();
        let mut runs: Vec<Run> = Vec::new();
        for (id, text) in added {
            let text = text.as_bytes().into();
            match runs.last_mut() {
                Some(run) if ((id - run.first) as usize) < run.texts.len() + CLOSE => {
                    run.texts.resize((id - run.first) as usize, Box::default());
                    run.texts.push(text);
                }
                _ => runs.push(Run { first: id, texts: vec![text] }),
            }
        }
        Anchors(runs)
    }

    /// The text of an added token.
    fn text(&self, id: u32) -> Option<&[u8]> {
        let text = self.0.iter().find_map(|run| run.texts.get(id.wrapping_sub(run.first) as usize));
        text.map(|text| &**text).filter(|text| !text.is_empty())
    }

    /// The first added token behind `place`. None if the text lacks it.
    fn next(&self, place: Place, ids: &[u32], text: &[u8]) -> Option<Anchor> {
        let none = Anchor { token: ids.len(), start: usize::MAX, end: usize::MAX };
        let mut behind = ids.iter().enumerate().skip(place.token);
        let Some((token, wanted)) = behind.find_map(|(token, &id)| Some((token, self.text(id)?))) else {
            return Some(none);
        };
        let start = place.byte + find(&text[place.byte..], wanted)?;
        Some(Anchor { token, start, end: start + wanted.len() })
    }

    /// Appends the stretches of `text` between `edges`, rising positions between characters. Returns whether all the
    /// tokens around them have their place; if not, what was appended is of no use.
    pub(super) fn stretches(
        &self,
        pieces: &Pieces,
        ids: &[u32],
        text: &str,
        edges: &[usize],
        stretches: &mut Vec<Stretch>,
    ) -> bool {
        self.place_edges(pieces, ids, text, edges, stretches).is_some()
    }

    fn place_edges(
        &self,
        pieces: &Pieces,
        ids: &[u32],
        text: &str,
        edges: &[usize],
        stretches: &mut Vec<Stretch>,
    ) -> Option<()> {
        let bytes = text.as_bytes();
        let step = |place: Place| pieces.step(place, *ids.get(place.token)?, bytes);
        let stretch = |place: Place| Stretch { tokens: place.token, end: place.byte };
        let mut place = Place::default();
        let mut last = Stretch::default();
        let mut anchor = self.next(place, ids, bytes)?;
        for &edge in edges {
            if edge <= place.byte {
                continue;
            }
            while anchor.start <= edge {
                place = Place { token: anchor.token, byte: anchor.start, inside: true };
                if anchor.end > edge {
                    break;
                }
                place = Place { token: anchor.token + 1, byte: anchor.end, inside: false };
                anchor = self.next(place, ids, bytes)?;
            }
            let mut before = place;
            while place.byte < edge {
                if text.is_char_boundary(place.byte) {
                    before = place;
                }
                place = step(place)?;
            }
            if place.byte > edge {
                if before.token > last.tokens {
                    stretches.push(stretch(before));
                }
                while !text.is_char_boundary(place.byte) {
                    place = step(place)?;
                }
            }
            last = stretch(place);
            stretches.push(last);
            if place.token > anchor.token {
                anchor = self.next(place, ids, bytes)?;
            }
        }
        if last.tokens < ids.len() {
            stretches.push(Stretch { tokens: ids.len(), end: text.len() });
        }
        Some(())
    }
}

/// Where `wanted` begins in `text`. It is short and near, so no searcher is built for it.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    memchr::memchr_iter(first, text).find(|&at| text[at..].starts_with(wanted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pieces::Alphabet;
    use super::super::stretch::stretches;
    use super::*;

    /// Of bytes, with pieces of é, a piece that takes a letter along, and two added tokens.
    fn tokenizer() -> (Pieces, Anchors, Vec<&'static [u8]>) {
        let vocabulary =
            [("a", 0, false), ("Ġa", 1, false), ("Ã", 2, false), ("©b", 3, false), ("<e>", 4, true), ("<", 5, true)];
        let bytes: Vec<&[u8]> = vec![b"a", b" a", b"\xc3", b"\xa9b", b"<e>", b"<"];
        let added = vocabulary.iter().filter(|(_, _, added)| *added).map(|(text, id, _)| (*id, *text));
        (Pieces::new(Alphabet::Bytes, vocabulary.into_iter()), Anchors::new(added), bytes)
    }

    #[test]
    fn an_added_token_that_the_text_lacks_gives_no_place() {
        let (pieces, anchors, _) = tokenizer();
        assert!(!anchors.stretches(&pieces, &[0, 4, 0], "a<x>a", &[4], &mut Vec::new()));
        assert!(!anchors.stretches(&pieces, &[0, 0], "a a", &[3], &mut Vec::new()));
        assert!(!anchors.stretches(&pieces, &[0], "aa", &[2], &mut Vec::new()));
    }

    #[test]
    fn what_no_edge_asks_for_is_not_compared() {
        let (pieces, anchors, _) = tokenizer();
        let mut found = Vec::new();
        // The engine gave another token for x, which is far from the edge behind <e>.
        assert!(anchors.stretches(&pieces, &[99, 4, 0, 0], "x<e>aa", &[5], &mut found));
        let expected = [(3, 5), (4, 6)].map(|(tokens, end)| Stretch { tokens, end });
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn as_with_all_places(
            // é has two pieces, of which the second takes a letter along.
            ids in proptest::collection::vec(prop_oneof![Just(vec![0u32]), Just(vec![1]), Just(vec![2, 3]), Just(vec![4]), Just(vec![5])], 0..30),
            edges in proptest::collection::vec(0usize..80, 0..8),
        ) {
            let (pieces, anchors, bytes) = tokenizer();
            let ids = ids.concat();
            let text = String::from_utf8(ids.iter().flat_map(|id| bytes[*id as usize].to_vec()).collect()).unwrap();
            let mut edges: Vec<usize> = edges.into_iter().filter(|edge| text.is_char_boundary(*edge)).collect();
            edges.sort_unstable();
            edges.dedup();
            let mut ends = Vec::new();
            prop_assert!(pieces.place(&ids, text.as_bytes(), 0, &mut ends));
            let (mut all, mut near) = (Vec::new(), Vec::new());
            stretches(&text, &ends, &edges, &mut all);
            prop_assert!(anchors.stretches(&pieces, &ids, &text, &edges, &mut near));
            prop_assert_eq!(all, near);
        }
    }
}
