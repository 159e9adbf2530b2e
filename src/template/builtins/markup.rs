//! `Markup`: text that counts as safe HTML and escapes what is added to it.

use crate::template::value::Str;

/// `text` as a `Markup`, with the signs of HTML escaped unless it is one already.
pub(crate) fn escape<'d>(text: &Str<'d>) -> Str<'d> {
    if text.is_markup() {
        return text.clone();
    }
    if !text.contains(['&', '<', '>', '\'', '"']) {
        return text.clone().into_markup();
    }
    Str::own(escaped(text)).into_markup()
}

/// The text with the signs of HTML escaped.
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

/// The text without tags and comments, its white space joined and the commonest entities resolved.
pub(crate) fn striptags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        let Some(end) = rest[start..].find("-->") else { break };
        plain.push_str(&rest[..start]);
        rest = &rest[start + end + 3..];
    }
    plain.push_str(rest);
    let mut without = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else { break };
        without.push_str(&rest[..start]);
        rest = &rest[start + end + 1..];
    }
    without.push_str(rest);
    let words: Vec<&str> = without.split(crate::python_text::is_space).filter(|word| !word.is_empty()).collect();
    unescape(&words.join(" "))
}

fn unescape(text: &str) -> String {
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
