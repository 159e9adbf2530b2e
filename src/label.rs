//! Labels: (token ends, spans of the text to train) → one label a token.

use std::ops::Range;

/// The label of a token that is not trained.
pub const MASKED: i32 = -100;

/// Appends a label for each token: its id where the token shares a byte with a span, else [`MASKED`].
///
/// `ends` are the byte ends of the tokens, `spans` rising and disjoint byte ranges of the same text that cut no
/// character, so the tokens that spell one character never part. A token without bytes of its own, such as the space
/// that SentencePiece puts before a segment, goes with the byte that follows.
///
/// ```
/// let mut labels = Vec::new();
/// chatmill::label::append(&[5, 6, 7], &[2, 4, 6], &[3..4], &mut labels);
/// assert_eq!(labels, [-100, 6, -100]);
/// ```
pub fn append(ids: &[u32], ends: &[u32], spans: &[Range<usize>], labels: &mut Vec<i32>) {
    labels.reserve(ids.len());
    let mut start = 0;
    let mut next = 0;
    for (&id, &end) in ids.iter().zip(ends) {
        let end = end as usize;
        let bytes = if end > start { start..end } else { start..start + 1 };
        // Tokens never go back, so spans that end before this one are done with.
        while spans.get(next).is_some_and(|span| span.is_empty() || span.end <= bytes.start) {
            next += 1;
        }
        let trained = spans.get(next).is_some_and(|span| span.start < bytes.end);
        labels.push(if trained { i32::try_from(id).unwrap_or(MASKED) } else { MASKED });
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(ends: &[u32], spans: &[Range<usize>]) -> Vec<bool> {
        let ids: Vec<u32> = (0..ends.len() as u32).collect();
        let mut labels = Vec::new();
        append(&ids, ends, spans, &mut labels);
        labels.iter().map(|label| *label != MASKED).collect()
    }

    #[test]
    fn a_token_that_shares_a_byte_is_trained() {
        assert_eq!(labels(&[2, 4, 6], &[1..3]), [true, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[2..4]), [false, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[]), [false; 3]);
        assert_eq!(labels(&[2, 4, 6], &[3..3]), [false; 3]);
        assert_eq!(labels(&[2, 4, 6], &[0..1, 5..6]), [true, false, true]);
        assert_eq!(labels(&[2, 4, 6], &[3..3, 3..4]), [false, true, false]);
    }

    #[test]
    fn a_token_without_bytes_goes_with_the_next_byte() {
        assert_eq!(labels(&[4, 4, 5], &[0..4]), [true, false, false]);
        assert_eq!(labels(&[4, 4, 5], &[4..5]), [false, true, true]);
        assert_eq!(labels(&[0, 3, 3], &[0..3]), [true, true, false]);
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(lengths in proptest::collection::vec(1u32..5, 1..40), cuts in proptest::collection::vec(0usize..160, 0..8)) {
            let ends: Vec<u32> = lengths.iter().scan(0, |end, length| { *end += length; Some(*end) }).collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let spans: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let mut start = 0;
            let expected: Vec<bool> = ends.iter().map(|&end| {
                let trained = (start..end as usize).any(|byte| spans.iter().any(|span| span.contains(&byte)));
                start = end as usize;
                trained
            }).collect();
            prop_assert_eq!(labels(&ends, &spans), expected);
        }
    }
}
