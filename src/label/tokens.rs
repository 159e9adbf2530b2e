//! Labels: (token ends, spans of the text to train) → one label a token.

use std::ops::Range;

use super::{Boundary, Span};

/// The label of a token that is not trained.
pub const MASKED: i32 = -100;

/// Appends a label for each token: its id where it is trained, else [`MASKED`]; and to `weights`, if they are wanted,
/// what it counts, 0 where it is not trained.
///
/// `ends` are the byte ends of the tokens in `text`, `spans` what is trained of it. A token with bytes inside and
/// outside goes by `boundary`. Tokens that share a character never part: they go together, by the bytes of all of them.
/// A token without bytes of its own, such as the space that SentencePiece puts before a segment, goes with the byte
/// that follows.
///
/// ```
/// use chatmill::label::{append, Boundary, Span};
///
/// let mut labels = Vec::new();
/// let spans = [Span { range: 3..4, weight: 1.0 }];
/// append("abcdef", &[5, 6, 7], &[2, 4, 6], &spans, Boundary::Overlap, &mut labels, None);
/// assert_eq!(labels, [-100, 6, -100]);
/// ```
pub fn append(
    text: &str,
    ids: &[u32],
    ends: &[u32],
    spans: &[Span],
    boundary: Boundary,
    labels: &mut Vec<i32>,
    mut weights: Option<&mut Vec<f32>>,
) {
    labels.reserve(ids.len());
    let label = |id: u32| id as i32;
    let (mut start, mut next, mut index) = (0, 0, 0);
    while index < ids.len() {
        // Tokens never go back, so spans that end before this one are done with.
        while spans.get(next).is_some_and(|span| span.range.end <= start) {
            next += 1;
        }
        // Most tokens lie with their neighbours between two spans, or inside one.
        let (limit, inside) = match spans.get(next) {
            None => (usize::MAX, None),
            Some(span) if span.range.start <= start => (span.range.end, Some(span.weight)),
            Some(span) => (span.range.start, None),
        };
        // Runs are short: to search for the end by halves took thrice as long.
        let rest = &ends[index..];
        let run = rest.iter().position(|&end| end as usize >= limit).unwrap_or(rest.len());
        let run = whole_characters(text, &ends[index..index + run]);
        if run > 0 {
            let ids = &ids[index..index + run];
            match inside {
                Some(_) => labels.extend(ids.iter().map(|&id| label(id))),
                None => labels.resize(labels.len() + run, MASKED),
            }
            if let Some(weights) = weights.as_deref_mut() {
                weights.resize(weights.len() + run, inside.unwrap_or(0.0));
            }
            index += run;
            start = ends[index - 1] as usize;
            continue;
        }
        let first = index;
        let mut end = ends[index] as usize;
        while !text.is_char_boundary(end) && index + 1 < ids.len() {
            index += 1;
            end = ends[index] as usize;
        }
        index += 1;
        let bytes = if end > start { start..end } else { start..start + 1 };
        let weight = weight_of(&bytes, &spans[next..], boundary);
        labels.extend(ids[first..index].iter().map(|&id| if weight > 0.0 { label(id) } else { MASKED }));
        if let Some(weights) = weights.as_deref_mut() {
            weights.resize(weights.len() + index - first, weight);
        }
        start = end;
    }
}

/// How many of these tokens, from the first on, end where a character does.
fn whole_characters(text: &str, ends: &[u32]) -> usize {
    let whole = ends.iter().rposition(|&end| text.is_char_boundary(end as usize));
    whole.map_or(0, |last| last + 1)
}

/// What a token of these bytes counts; `spans` are those that do not end before it.
fn weight_of(bytes: &Range<usize>, spans: &[Span], boundary: Boundary) -> f32 {
    let near = spans.iter().take_while(|span| span.range.start < bytes.end);
    match boundary {
        Boundary::Overlap | Boundary::Split => near.map(|span| span.weight).fold(0.0, f32::max),
        Boundary::First => near.take(1).find(|span| span.range.start <= bytes.start).map_or(0.0, |span| span.weight),
        Boundary::Contained => {
            let inside = |span: &Span| span.range.end.min(bytes.end) - span.range.start.max(bytes.start);
            let (covered, least) =
                near.fold((0, f32::INFINITY), |(bytes, least), span| (bytes + inside(span), least.min(span.weight)));
            if covered == bytes.len() { least } else { 0.0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(ranges: &[Range<usize>]) -> Vec<Span> {
        let spans = ranges.iter().filter(|range| !range.is_empty());
        spans.map(|range| Span { range: range.clone(), weight: 1.0 }).collect()
    }

    fn trained(text: &str, ends: &[u32], ranges: &[Range<usize>], boundary: Boundary) -> Vec<bool> {
        let ids: Vec<u32> = (0..ends.len() as u32).collect();
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        append(text, &ids, ends, &spans(ranges), boundary, &mut labels, Some(&mut weights));
        let trained: Vec<bool> = labels.iter().map(|label| *label != MASKED).collect();
        assert_eq!(trained, weights.iter().map(|weight| *weight > 0.0).collect::<Vec<_>>());
        trained
    }

    fn labels(ends: &[u32], ranges: &[Range<usize>]) -> Vec<bool> {
        trained(&"x".repeat(200), ends, ranges, Boundary::Overlap)
    }

    #[test]
    fn a_token_that_shares_a_byte_is_trained() {
        assert_eq!(labels(&[2, 4, 6], &[1..3]), [true, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[2..4]), [false, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[]), [false; 3]);
        assert_eq!(labels(&[2, 4, 6], &[0..1, 5..6]), [true, false, true]);
    }

    #[test]
    fn the_boundary_rule_decides_for_tokens_across_an_edge() {
        let by = |boundary| trained("abcdef", &[2, 4, 6], &[1..5], boundary);
        assert_eq!(by(Boundary::Overlap), [true, true, true]);
        assert_eq!(by(Boundary::Contained), [false, true, false]);
        assert_eq!(by(Boundary::First), [false, true, true]);
    }

    #[test]
    fn the_pieces_of_a_character_go_together() {
        // The second token ends inside é, the third begins there and takes the letter after it along.
        for (boundary, expected) in [
            (Boundary::Overlap, [true, true, true, false]),
            (Boundary::Contained, [true, false, false, false]),
            (Boundary::First, [true, true, true, false]),
        ] {
            assert_eq!(trained("aébc", &[1, 2, 4, 5], &[0..3], boundary), expected, "{boundary:?}");
        }
    }

    #[test]
    fn a_token_without_bytes_goes_with_the_next_byte() {
        assert_eq!(labels(&[4, 4, 5], &[0..4]), [true, false, false]);
        assert_eq!(labels(&[4, 4, 5], &[4..5]), [false, true, true]);
        assert_eq!(labels(&[0, 3, 3], &[0..3]), [true, true, false]);
    }

    #[test]
    fn weights_come_out() {
        let spans = [Span { range: 0..2, weight: 0.5 }, Span { range: 2..4, weight: 2.0 }];
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        append("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Overlap, &mut labels, Some(&mut weights));
        assert_eq!((labels, weights), (vec![7, 8, -100], vec![0.5, 2.0, 0.0]));
        let mut weights = Vec::new();
        append("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Contained, &mut Vec::new(), Some(&mut weights));
        assert_eq!(weights, [0.5, 0.5, 0.0]);
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(
            lengths in proptest::collection::vec(1u32..5, 1..40),
            cuts in proptest::collection::vec(0usize..160, 0..8),
        ) {
            let ends: Vec<u32> = lengths.iter().scan(0, |end, length| { *end += length; Some(*end) }).collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let ranges: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let ranges: Vec<Range<usize>> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
            let inside = |byte: usize| ranges.iter().any(|range| range.contains(&byte));
            let text = "x".repeat(200);
            let mut start = 0;
            for (index, &end) in ends.iter().enumerate() {
                let bytes = start..end as usize;
                for (boundary, expected) in [
                    (Boundary::Overlap, bytes.clone().any(inside)),
                    (Boundary::Contained, bytes.clone().all(inside)),
                    (Boundary::First, inside(bytes.start)),
                ] {
                    prop_assert_eq!(trained(&text, &ends, &ranges, boundary)[index], expected);
                }
                start = end as usize;
            }
        }
    }
}
