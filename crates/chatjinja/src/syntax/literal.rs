//! String literals: Python's escapes, rewritten so that the parser reads the same text.

use std::fmt::Write as _;

/// The literal `text`, quotes included, with escapes that the parser reads as the same characters. Line breaks that an
/// escape removes are appended after the literal, so that no line moves.
///
/// # Errors
/// The reason why Python rejects the literal.
pub(super) fn rewrite(text: &str) -> Result<String, &'static str> {
    let quote = &text[..1];
    let mut out = String::from(quote);
    let mut swallowed = 0;
    let mut rest = &text[1..text.len() - 1];
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let escape = rest.chars().next().unwrap_or('\\');
        rest = &rest[escape.len_utf8().min(rest.len())..];
        match escape {
            '\n' => swallowed += 1,
            '\\' | '\'' | '"' => push(&mut out, escape),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => push(&mut out, '\n'),
            'r' => push(&mut out, '\r'),
            't' => push(&mut out, '\t'),
            'v' => out.push('\x0b'),
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{escape}{}", &rest[..more]);
                rest = &rest[more..];
                code(&mut out, &digits, 8)?;
            }
            'x' => rest = hex(&mut out, rest, 2, "truncated \\xXX escape")?,
            'u' => rest = hex(&mut out, rest, 4, "truncated \\uXXXX escape")?,
            'U' => rest = hex(&mut out, rest, 8, "truncated \\UXXXXXXXX escape")?,
            'N' => {
                let malformed = "malformed \\N character escape";
                let inner = rest.strip_prefix('{').ok_or(malformed)?;
                let (name, behind) = inner.split_once('}').ok_or(malformed)?;
                push(&mut out, unicode_names2::character(name).ok_or("unknown Unicode character name")?);
                rest = behind;
            }
            // Python keeps the backslash of an unknown escape.
            other => {
                out.push_str("\\\\");
                push(&mut out, other);
            }
        }
    }
    out.push_str(rest);
    out.push_str(quote);
    out.extend(std::iter::repeat_n('\n', swallowed));
    Ok(out)
}

fn push(out: &mut String, character: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\'' => out.push_str("\\'"),
        '"' => out.push_str("\\\""),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        other => {
            // Writing to a String cannot fail.
            let _ = out.write_char(other);
        }
    }
}

fn hex<'t>(out: &mut String, rest: &'t str, digits: usize, truncated: &'static str) -> Result<&'t str, &'static str> {
    let number = rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = number.ok_or(truncated)?;
    let behind = &rest[digits..];
    // Two halves of a surrogate pair make one character.
    let half = |text: &str| u16::from_str_radix(text, 16).ok();
    let low = behind.strip_prefix("\\u").and_then(|low| half(low.get(..4)?));
    if let (4, Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) = (digits, half(number), low) {
        for character in char::decode_utf16([high, low]).flatten() {
            push(out, character);
        }
        return Ok(&behind[6..]);
    }
    code(out, number, 16)?;
    Ok(behind)
}

fn code(out: &mut String, digits: &str, radix: u32) -> Result<(), &'static str> {
    let code = u32::from_str_radix(digits, radix).map_err(|_| "illegal Unicode character")?;
    if (0xd800..0xe000).contains(&code) {
        return Err(
            "a lone surrogate (\\ud800 to \\udfff) is not a character; write the character itself, or \\UXXXXXXXX",
        );
    }
    push(out, char::from_u32(code).ok_or("illegal Unicode character")?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn escapes_are_pythons() {
        for (literal, expected) in [
            (r#""\a\v\/\d""#, "\"\x07\x0b\\\\/\\\\d\""),
            (r#"'\U0001F600\N{BULLET}\x41\101'"#, "'😀•AA'"),
            (r"'\\n\'\n'", r"'\\n\'\n'"),
            (r"'\ud83d\ude00!'", "'😀!'"),
            ("'a\\\nb'", "'ab'\n"),
        ] {
            assert_eq!(rewrite(literal).unwrap(), expected, "{literal}");
        }
        for literal in [r"'\x4'", r"'\ud83d'", r"'\ude00\ud83d'", r"'\N{no such name}'", r"'\N'", r"'\U00110000'"] {
            assert!(rewrite(literal).is_err(), "{literal}");
        }
    }
}
