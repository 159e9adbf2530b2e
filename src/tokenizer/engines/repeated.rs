//! `RepeatedSegments`: the ids of long parts of texts that come again, such as system prompts and declarations of tools.
//!
//! A tokenizer cuts added tokens out of a text before it does anything else, so the text before an added token and the
//! text from it on have the ids that each has alone. A row is cut at added tokens; the ids of a segment are kept when it
//! comes for the second time. For the first segments that are kept, and for one in 64 of the later ones, the ids of the
//! parts are compared with those of the whole text. If they differ, no segment is used any more.
//!
//! fastokens has such a cache, which keeps every segment: rows of smilechat, where none repeats, took 1.2 times as long.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use xxhash_rust::xxh3::xxh3_64;

use super::IdEncoder;
use crate::error::Result;

/// A shorter segment takes the engine about as long as the lookup.
const SHORTEST: usize = 256;
/// The most bytes of texts and ids that are kept.
const MOST_BYTES: usize = 32 << 20;
/// A longer segment would push out too many others.
const LONGEST: usize = MOST_BYTES / 64;
/// How many segments are remembered as seen once. System prompts come again within a few thousand rows; texts that come
/// again much later are not worth their room.
const SEEN: usize = 1 << 14;
/// Of the segments that are kept, the first ones are checked against the whole text, and later one in so many.
const CHECKED: u64 = 64;
const SHARDS: usize = 16;

/// The ids of segments that came more than once. All threads share them.
pub(in crate::tokenizer) struct RepeatedSegments {
    cuts: AhoCorasick,
    /// Hashes of segments that came once; a later one takes the place of an earlier one.
    seen: Box<[AtomicU64]>,
    shards: [Mutex<Shard>; SHARDS],
    is_off: AtomicBool,
    kept: AtomicU64,
    bytes: AtomicU64,
    reused: AtomicU64,
}

/// Segments by hash. When they need too much room, those that were not used lately are dropped.
#[derive(Default)]
struct Shard {
    young: Segments,
    old: Segments,
    /// The room of `young`, in bytes.
    bytes: usize,
}

type Segments = HashMap<u64, Arc<Segment>, BuildHasherDefault<Hashed>>;

struct Segment {
    text: Box<str>,
    ids: Box<[u32]>,
}

/// The hasher of keys that are hashes.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A long part of a text.
struct Part {
    bytes: Range<usize>,
    hash: u64,
    found: Found,
}

enum Found {
    Ids(Arc<Segment>),
    /// It came before, so its ids are worth keeping.
    SeenBefore,
}

impl RepeatedSegments {
    /// A cache for a tokenizer with these added tokens, all of which it cuts out of texts exactly as they are written.
    /// None if no text can be cut at one of them.
    pub(in crate::tokenizer) fn new(added: &[&str]) -> Option<RepeatedSegments> {
        let cuts = tokens_apart(added);
        let cuts = (!cuts.is_empty()).then(|| AhoCorasick::new(&cuts).ok())??;
        Some(RepeatedSegments {
            cuts,
            seen: (0..SEEN).map(|_| AtomicU64::new(0)).collect(),
            shards: std::array::from_fn(|_| Mutex::default()),
            is_off: AtomicBool::new(false),
            kept: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            reused: AtomicU64::new(0),
        })
    }

    /// The bytes of all texts, and those of them whose ids were kept.
    pub(in crate::tokenizer) fn counts(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.reused.load(Ordering::Relaxed))
    }

    /// Appends the ids of `text`.
    pub(in crate::tokenizer) fn append(&self, engine: &dyn IdEncoder, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        if text.len() < SHORTEST || self.is_off.load(Ordering::Relaxed) {
            return engine.append(text, ids);
        }
        let parts = self.parts(text);
        if parts.is_empty() {
            return engine.append(text, ids);
        }
        let first = ids.len();
        let kept = self.append_parts(engine, text, &parts, ids)?;
        if kept.is_empty() {
            return Ok(());
        }
        let before = self.kept.fetch_add(kept.len() as u64, Ordering::Relaxed);
        if before < CHECKED || before % CHECKED < kept.len() as u64 {
            let mut whole = Vec::new();
            engine.append(text, &mut whole)?;
            if whole != ids[first..] {
                self.is_off.store(true, Ordering::Relaxed);
                ids.truncate(first);
                ids.append(&mut whole);
                return Ok(());
            }
        }
        kept.into_iter().for_each(|(hash, segment)| self.keep(hash, segment));
        Ok(())
    }

    /// The long segments of `text` that are kept, or that came before.
    fn parts(&self, text: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut start = 0;
        let ends = self.cuts.find_iter(text).map(|cut| cut.start());
        for end in ends.chain([text.len()]) {
            let bytes = start..end;
            start = end;
            if !(SHORTEST..=LONGEST).contains(&bytes.len()) {
                continue;
            }
            let segment = &text[bytes.clone()];
            let hash = xxh3_64(segment.as_bytes());
            if let Some(found) = self.find(hash, segment) {
                parts.push(Part { bytes, hash, found });
            }
        }
        parts
    }

    /// Appends the ids of `text`, part by part. Returns the segments to keep.
    fn append_parts(
        &self,
        engine: &dyn IdEncoder,
        text: &str,
        parts: &[Part],
        ids: &mut Vec<u32>,
    ) -> Result<Vec<(u64, Segment)>> {
        let mut kept = Vec::new();
        let mut at = 0;
        for part in parts {
            if at < part.bytes.start {
                engine.append(&text[at..part.bytes.start], ids)?;
            }
            match &part.found {
                Found::Ids(segment) => {
                    ids.extend_from_slice(&segment.ids);
                    self.reused.fetch_add(part.bytes.len() as u64, Ordering::Relaxed);
                }
                Found::SeenBefore => {
                    let first = ids.len();
                    let segment = &text[part.bytes.clone()];
                    engine.append(segment, ids)?;
                    kept.push((part.hash, Segment { text: segment.into(), ids: ids[first..].into() }));
                }
            }
            at = part.bytes.end;
        }
        if at < text.len() {
            engine.append(&text[at..], ids)?;
        }
        Ok(kept)
    }

    fn find(&self, hash: u64, text: &str) -> Option<Found> {
        let seen = &self.seen[hash as usize % SEEN];
        if seen.swap(hash, Ordering::Relaxed) != hash {
            return None;
        }
        let found = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner).find(hash);
        Some(match found {
            Some(segment) if *segment.text == *text => Found::Ids(segment),
            _ => Found::SeenBefore,
        })
    }

    fn keep(&self, hash: u64, segment: Segment) {
        self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner).keep(hash, Arc::new(segment));
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

impl Shard {
    fn find(&mut self, hash: u64) -> Option<Arc<Segment>> {
        if let Some(segment) = self.young.get(&hash) {
            return Some(Arc::clone(segment));
        }
        let segment = self.old.remove(&hash)?;
        self.keep(hash, Arc::clone(&segment));
        Some(segment)
    }

    fn keep(&mut self, hash: u64, segment: Arc<Segment>) {
        let room = segment.text.len() + size_of_val(&*segment.ids);
        // The old segments take as much room as the young ones.
        if self.bytes + room > MOST_BYTES / SHARDS / 2 {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        if self.young.insert(hash, segment).is_none() {
            self.bytes += room;
        }
    }
}

/// The tokens at which a text can be cut: wherever such a token is written, an added token begins there.
///
/// That is so unless another token may cover its beginning: one that has it inside, or that ends with its beginning.
fn tokens_apart<'t>(added: &[&'t str]) -> Vec<&'t str> {
    // Nearly all tokens begin with one of a few characters, which other tokens have at their beginning only.
    let mut with_inside: HashMap<u8, Vec<&str>> = HashMap::new();
    let covers = |token: &str, other: &str| {
        let (token, other) = (token.as_bytes(), other.as_bytes());
        (1..other.len()).any(|at| {
            let rest = &other[at..];
            rest.starts_with(token) || token.starts_with(rest)
        })
    };
    added
        .iter()
        .filter(|token| {
            let Some(&first) = token.as_bytes().first() else { return false };
            let others = with_inside.entry(first).or_insert_with(|| {
                added.iter().copied().filter(|other| other.as_bytes().iter().skip(1).any(|&it| it == first)).collect()
            });
            !others.iter().any(|other| covers(token, other))
        })
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::*;

    /// An engine whose tokens are `<s>`, `<s>!`, and single bytes. It counts the bytes that it encodes.
    #[derive(Default)]
    struct Bytes {
        encoded: AtomicUsize,
        /// Whether the first byte of a text that is no added token gets another id.
        marks_start: bool,
    }

    impl IdEncoder for Bytes {
        fn version(&self) -> &'static str {
            "bytes"
        }

        fn append(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
            self.encoded.fetch_add(text.len(), Ordering::Relaxed);
            let mut at = 0;
            while at < text.len() {
                let rest = &text[at..];
                let (id, bytes) = match rest.as_bytes() {
                    _ if rest.starts_with("<s>!") => (301, 4),
                    _ if rest.starts_with("<s>") => (300, 3),
                    [byte, ..] if at == 0 && self.marks_start => (1000 + u32::from(*byte), 1),
                    [byte, ..] => (u32::from(*byte), 1),
                    [] => break,
                };
                ids.push(id);
                at += bytes;
            }
            Ok(())
        }
    }

    fn cache() -> RepeatedSegments {
        RepeatedSegments::new(&["<s>", "<s>!"]).unwrap()
    }

    fn encoded(cache: &RepeatedSegments, engine: &Bytes, text: &str) -> Vec<u32> {
        let mut ids = vec![7];
        cache.append(engine, text, &mut ids).unwrap();
        assert_eq!(ids.remove(0), 7);
        ids
    }

    fn alone(engine: &Bytes, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        engine.append(text, &mut ids).unwrap();
        ids
    }

    #[test]
    fn the_third_time_a_long_segment_is_not_encoded() {
        let (cache, engine) = (cache(), Bytes::default());
        let long = "x".repeat(SHORTEST);
        let rows = ["one", "two", "three", "four"].map(|question| format!("<s>{long}<s>!{question}"));
        for (number, row) in rows.iter().enumerate() {
            let before = engine.encoded.load(Ordering::Relaxed);
            let ids = encoded(&cache, &engine, row);
            let bytes = engine.encoded.load(Ordering::Relaxed) - before;
            assert_eq!(ids, alone(&engine, row));
            assert_eq!(bytes < SHORTEST, number >= 2, "row {number} took {bytes} bytes");
        }
        let all: usize = rows.iter().map(String::len).sum();
        assert_eq!(cache.counts(), (all as u64, 2 * (SHORTEST as u64 + 3)));
    }

    #[test]
    fn segments_that_do_not_stand_alone_are_not_kept() {
        let (cache, engine) = (cache(), Bytes { marks_start: true, ..Bytes::default() });
        let row = format!("{}<s>{}", "x".repeat(SHORTEST), "y".repeat(SHORTEST));
        let row = format!("<s>a{row}");
        // The engine gives the first byte of a text another id, but a text is cut only where an added token begins.
        for _ in 0..3 {
            assert_eq!(encoded(&cache, &engine, &row), alone(&engine, &row));
        }
        assert!(!cache.is_off.load(Ordering::Relaxed));
        // This tokenizer is not what the cache expects: its added token is another one after a cut.
        let wrong = RepeatedSegments::new(&["x<s"]).unwrap();
        for _ in 0..4 {
            assert_eq!(encoded(&wrong, &engine, &row), alone(&engine, &row));
        }
        assert!(wrong.is_off.load(Ordering::Relaxed));
    }

    #[test]
    fn texts_are_cut_only_where_no_other_token_may_begin() {
        assert_eq!(tokens_apart(&["<s>", "<s>!", "</s>"]), ["<s>", "<s>!", "</s>"]);
        assert_eq!(tokens_apart(&["<s>", "a<s"]), ["a<s"]);
        assert_eq!(tokens_apart(&["<s>", "a<s>b"]), ["a<s>b"]);
        assert_eq!(tokens_apart(&["aa", ""]), Vec::<&str>::new());
        assert!(RepeatedSegments::new(&["aa"]).is_none());
    }

    #[test]
    fn room_is_bounded() {
        let mut shard = Shard::default();
        for hash in 0..20_000 {
            let text = "x".repeat(SHORTEST).into();
            shard.keep(hash, Arc::new(Segment { text, ids: vec![1; SHORTEST].into() }));
            let kept: usize = [&shard.young, &shard.old]
                .into_iter()
                .flat_map(HashMap::values)
                .map(|it| it.text.len() + size_of_val(&*it.ids))
                .sum();
            assert!(hash % 1000 > 0 || kept <= MOST_BYTES / SHARDS);
        }
        assert!(shard.find(19_999).is_some());
        assert!(shard.find(0).is_none());
    }

    proptest! {
        #[test]
        fn ids_are_those_of_whole_texts(
            rows in proptest::collection::vec(proptest::collection::vec(0usize..6, 0..6), 1..20),
        ) {
            let (cache, engine) = (cache(), Bytes::default());
            let parts = ["<s>".to_owned(), "<s>!".to_owned(), "<".to_owned(), "x".repeat(300), "y!".repeat(200), "z".to_owned()];
            for row in rows {
                let text: String = row.iter().map(|&part| &*parts[part]).collect();
                prop_assert_eq!(encoded(&cache, &engine, &text), alone(&engine, &text));
            }
        }
    }
}
