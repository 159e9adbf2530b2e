//! Escaping for HTML, and removing tags, as `markupsafe` does it.

use super::is_space;

/// Whether a text has a character that must be escaped in HTML.
pub(crate) fn needs_escape(text: &str) -> bool {
    text.contains(['&', '<', '>', '\'', '"'])
}

/// The text with the special characters of HTML escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            other => out.push(other),
        }
    }
    out
}

/// The text without tags and comments, with its white space joined and the most common entities resolved.
pub(crate) fn striptags(text: &str) -> String {
    let without = without(&without(text, "<!--", "-->"), "<", ">");
    let words: Vec<&str> = without.split(is_space).filter(|word| !word.is_empty()).collect();
    unescaped(&words.join(" "))
}

/// The text without everything from `open` to the next `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let Some(end) = rest[start..].find(close) else { break };
        kept.push_str(&rest[..start]);
        rest = &rest[start + end + close.len()..];
    }
    kept.push_str(rest);
    kept
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest.find(';').and_then(|end| Some((end, entity(&rest[1..end])?)));
        match entity {
            Some((end, character)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_and_stripped() {
        assert_eq!(escaped("a<b & 'c'"), "a&lt;b &amp; &#39;c&#39;");
        assert!(needs_escape("\"") && !needs_escape("a/b"));
        assert_eq!(striptags("<p>a<!-- <b> -->\n  b</p> &lt;&#x41;&#66;&unknown; 1 < 2"), "a b <AB&unknown; 1 < 2");
    }
}
