//! `assign`: one label per token, from token spans and the spans of the text to train.

use std::ops::Range;

use super::{Boundary, Span};
use crate::tokenizer::TokenSpan;

/// The label of a token that is not trained.
pub const MASKED: i32 = -100;

/// Appends a label for each token: its id if it is trained, else [`MASKED`]. With `weights`, also appends the weight of
/// each token, 0 if it is not trained.
///
/// * `token_spans`: the tokens between the [edges](super::edges) of `spans`.
/// * `spans`: the trained spans of the text.
///
/// If a token span has bytes inside and outside of a trained span, `boundary` decides. Such a token span is one token,
/// or several tokens that share a character. A token without bytes, such as the space that SentencePiece inserts before
/// a segment, gets the label of the next byte.
///
/// ```
/// use chatmill::label::{Boundary, Span, assign, edges};
/// use chatmill::tokenizer::token_spans;
///
/// let spans = [Span { range: 3..4, weight: 1.0 }];
/// let (mut found, mut labels) = (Vec::new(), Vec::new());
/// token_spans("abcdef", &[2, 4, 6], &edges(&spans), &mut found);
/// assign(&[5, 6, 7], &found, &spans, Boundary::Overlap, &mut labels, None);
/// assert_eq!(labels, [-100, 6, -100]);
/// ```
pub fn assign(
    ids: &[u32],
    token_spans: &[TokenSpan],
    spans: &[Span],
    boundary: Boundary,
    labels: &mut Vec<i32>,
    mut weights: Option<&mut Vec<f32>>,
) {
    labels.reserve(ids.len());
    let (mut first, mut start, mut next) = (0, 0, 0);
    for &TokenSpan { tokens, end } in token_spans {
        // Token spans are ascending, so a span that ends before this one is not needed again.
        while spans.get(next).is_some_and(|span| span.range.end <= start) {
            next += 1;
        }
        let bytes = if end > start { start..end } else { start..start + 1 };
        let weight = weight_of(&bytes, &spans[next..], boundary);
        match weight > 0.0 {
            true => labels.extend(ids[first..tokens].iter().map(|&id| id as i32)),
            false => labels.resize(labels.len() + tokens - first, MASKED),
        }
        if let Some(weights) = weights.as_deref_mut() {
            weights.resize(weights.len() + tokens - first, weight);
        }
        (first, start) = (tokens, end);
    }
}

/// The weight of a token span with these bytes. `spans` are the trained spans that do not end before it.
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
    use crate::label::edges;
    use crate::tokenizer::token_spans;

    fn assign_all(
        text: &str,
        ids: &[u32],
        ends: &[u32],
        spans: &[Span],
        boundary: Boundary,
        labels: &mut Vec<i32>,
        weights: &mut Vec<f32>,
    ) {
        let mut found = Vec::new();
        token_spans(text, ends, &edges(spans), &mut found);
        assign(ids, &found, spans, boundary, labels, Some(weights));
    }

    fn spans(ranges: &[Range<usize>]) -> Vec<Span> {
        let spans = ranges.iter().filter(|range| !range.is_empty());
        spans.map(|range| Span { range: range.clone(), weight: 1.0 }).collect()
    }

    fn trained(text: &str, ends: &[u32], ranges: &[Range<usize>], boundary: Boundary) -> Vec<bool> {
        let ids: Vec<u32> = (0..ends.len() as u32).collect();
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        assign_all(text, &ids, ends, &spans(ranges), boundary, &mut labels, &mut weights);
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
    fn the_tokens_of_a_character_get_the_same_label() {
        // The second token ends inside é. The third token starts there and includes the next letter.
        for (boundary, expected) in [
            (Boundary::Overlap, [true, true, true, false]),
            (Boundary::Contained, [true, false, false, false]),
            (Boundary::First, [true, true, true, false]),
        ] {
            assert_eq!(trained("aébc", &[1, 2, 4, 5], &[0..3], boundary), expected, "{boundary:?}");
        }
    }

    #[test]
    fn a_token_without_bytes_gets_the_label_of_the_next_byte() {
        assert_eq!(labels(&[4, 4, 5], &[0..4]), [true, false, false]);
        assert_eq!(labels(&[4, 4, 5], &[4..5]), [false, true, true]);
        assert_eq!(labels(&[0, 3, 3], &[0..3]), [true, true, false]);
    }

    #[test]
    fn weights_are_assigned() {
        let spans = [Span { range: 0..2, weight: 0.5 }, Span { range: 2..4, weight: 2.0 }];
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        assign_all("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Overlap, &mut labels, &mut weights);
        assert_eq!((labels, weights), (vec![7, 8, -100], vec![0.5, 2.0, 0.0]));
        let mut weights = Vec::new();
        assign_all("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Contained, &mut Vec::new(), &mut weights);
        assert_eq!(weights, [0.5, 0.5, 0.0]);
    }

    proptest! {
        #[test]
        fn equals_a_check_of_every_byte(
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
