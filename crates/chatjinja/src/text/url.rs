//! Quoting for URLs.

use std::fmt::Write as _;

/// `text` with escapes for the bytes that a URL does not allow: like `urllib.parse.quote` in a path, like `quote_plus`
/// in a query.
pub(crate) fn url_quoted(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b'/' if !query => out.push('/'),
            b' ' if query => out.push('+'),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_differ_in_two_characters() {
        assert_eq!(url_quoted("a/b c~é", false), "a/b%20c~%C3%A9");
        assert_eq!(url_quoted("a/b c~é", true), "a%2Fb+c~%C3%A9");
    }
}
