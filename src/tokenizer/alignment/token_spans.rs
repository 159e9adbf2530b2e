//! `TokenSpan`: consecutive tokens with a known byte range, the unit in which labels are assigned.

/// Consecutive tokens, starting where the previous span ended.
///
/// Labels need token offsets only at the edges of trained spans, never between edges. An edge either is the end of a
/// token span, or it lies inside one. In the second case the span is one token, or several tokens that share a
/// character, and all its tokens get the same label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenSpan {
    /// Number of tokens up to the end of this span, earlier spans included.
    pub tokens: usize,
    /// End of the span, in bytes of the text.
    pub end: usize,
}

/// Splits aligned tokens into spans and appends them to `spans`.
///
/// * `ends`: the byte end of every token.
/// * `edges`: ascending byte positions on character boundaries.
///
/// A token without bytes, such as the space that SentencePiece inserts before a segment, belongs to the span of the
/// next token.
///
/// ```
/// use chatmill::tokenizer::{TokenSpan, token_spans};
///
/// let mut spans = Vec::new();
/// token_spans("abcdef", &[2, 4, 6], &[3, 4], &mut spans);
/// let expected = [(1, 2), (2, 4), (3, 6)];
/// assert_eq!(spans, expected.map(|(tokens, end)| TokenSpan { tokens, end }));
/// ```
pub fn token_spans(text: &str, ends: &[u32], edges: &[usize], spans: &mut Vec<TokenSpan>) {
    let mut last = TokenSpan::default();
    let on_boundary = |end: u32| text.is_char_boundary(end as usize);
    for &edge in edges {
        if edge <= last.end {
            continue;
        }
        let from = last.tokens;
        let Some(token) = ends[from..].iter().position(|&end| end as usize >= edge) else { break };
        let mut token = from + token;
        if ends[token] as usize > edge {
            let first = ends[from..token].iter().rposition(|&end| on_boundary(end));
            if let Some(first) = first {
                spans.push(TokenSpan { tokens: from + first + 1, end: ends[from + first] as usize });
            }
            while !on_boundary(ends[token]) && token + 1 < ends.len() {
                token += 1;
            }
        }
        last = TokenSpan { tokens: token + 1, end: ends[token] as usize };
        spans.push(last);
    }
    if last.tokens < ends.len() {
        spans.push(TokenSpan { tokens: ends.len(), end: ends[ends.len() - 1] as usize });
    }
}
