//! Common prefixes and suffixes of two texts, and the borders of tokens such as `<|im_end|>`.

/// The number of bytes that two texts share at their start, whole characters only.
pub(crate) fn common_prefix(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// The number of bytes that two texts share at their end, whole characters only.
pub(super) fn common_suffix(left: &str, right: &str) -> usize {
    left.chars().rev().zip(right.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Whether two texts share at least half of each at their start or at their end.
pub(super) fn similar(left: &str, right: &str) -> bool {
    let shared = common_prefix(left, right).max(common_suffix(left, right));
    shared > 0 && shared * 2 >= left.len() && shared * 2 >= right.len()
}

/// `at`, or the start of the `<...>` or `[...]` around it. `</s>` and `<|assistant|>` share a `<`, but no token.
pub(super) fn back_to_border(text: &str, at: usize) -> usize {
    [('<', '>'), ('[', ']')].into_iter().fold(at, |at, (open, close)| match text[..at].rfind(open) {
        Some(start) if !text[start..at].contains(close) && text[at..].contains(close) => start,
        _ => at,
    })
}

/// The number of bytes that `gap` and `closer` share at their end, without a token that is shared in part.
pub(super) fn border_suffix(gap: &str, closer: &str) -> usize {
    let shared = common_suffix(gap, closer);
    let start = gap.len() - shared;
    let border = back_to_border(gap, start);
    if border == start {
        return shared;
    }
    // The shared text starts inside a token. It counts from the end of that token.
    match gap[start..].find(['>', ']']) {
        Some(at) => shared - (at + 1),
        None => 0,
    }
}

/// The length of the `<...>` or `[...]` at the end of `gap`, or 0.
pub(super) fn last_token(gap: &str) -> usize {
    [('<', '>'), ('[', ']')]
        .into_iter()
        .filter(|(_, close)| gap.ends_with(*close))
        .filter_map(|(open, _)| gap.rfind(open))
        .map(|at| gap.len() - at)
        .next()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_tokens() {
        assert_eq!(back_to_border("a<|user|>", 3), 1);
        assert_eq!(back_to_border("a<b>c", 4), 4);
        assert_eq!(back_to_border("1 < 2", 4), 4);
        assert_eq!((common_prefix("aéb", "aéc"), common_suffix("xéb", "éb")), (3, 3));
    }

    #[test]
    fn a_token_at_the_end_is_whole_or_not_shared() {
        assert_eq!(border_suffix("x<|eot|>", "y<|eot|>"), 7);
        assert_eq!(border_suffix("x<|bot|>", "y<|eot|>"), 0);
        assert_eq!(border_suffix("x<a> y", "<b> y"), 2);
        assert_eq!((last_token("x<|eot|>"), last_token("x[/I]"), last_token("x")), (7, 4, 0));
    }
}
