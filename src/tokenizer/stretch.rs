//! `Stretch`: tokens in sequence of which no more has to be known than where they begin and end.

/// Tokens in sequence, from the end of the stretch before.
///
/// Labels ask where the tokens lie around the edges of what is trained; of those between two edges it is enough that
/// they lie there. So an edge is either where a stretch ends, or it lies inside the stretch, and then all its tokens
/// go together: there is only one, or several that share a character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// How many tokens come before its end, those of earlier stretches included.
    pub tokens: usize,
    /// The byte at which it ends.
    pub end: usize,
}

/// Appends the stretches of tokens whose ends are all known. `edges` are rising positions between characters.
///
/// A token without bytes, such as the space that SentencePiece puts before a segment, stands with what follows it.
///
/// ```
/// use chatmill::tokenizer::{stretches, Stretch};
///
/// let mut found = Vec::new();
/// stretches("abcdef", &[2, 4, 6], &[3, 4], &mut found);
/// let expected = [(1, 2), (2, 4), (3, 6)];
/// assert_eq!(found, expected.map(|(tokens, end)| Stretch { tokens, end }));
/// ```
pub fn stretches(text: &str, ends: &[u32], edges: &[usize], stretches: &mut Vec<Stretch>) {
    let mut last = Stretch::default();
    let between_characters = |end: u32| text.is_char_boundary(end as usize);
    for &edge in edges {
        if edge <= last.end {
            continue;
        }
        let from = last.tokens;
        let Some(token) = ends[from..].iter().position(|&end| end as usize >= edge) else { break };
        let mut token = from + token;
        if ends[token] as usize > edge {
            let first = ends[from..token].iter().rposition(|&end| between_characters(end));
            if let Some(first) = first {
                stretches.push(Stretch { tokens: from + first + 1, end: ends[from + first] as usize });
            }
            while !between_characters(ends[token]) && token + 1 < ends.len() {
                token += 1;
            }
        }
        last = Stretch { tokens: token + 1, end: ends[token] as usize };
        stretches.push(last);
    }
    if last.tokens < ends.len() {
        stretches.push(Stretch { tokens: ends.len(), end: ends[ends.len() - 1] as usize });
    }
}
