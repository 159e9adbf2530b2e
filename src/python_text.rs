//! Floats and JSON strings as Python writes them, and what it takes for white space.

use std::fmt::{self, Write};

/// White space as Python's `str.strip` and `\s` know it.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Writes `value` as Python's `repr` does: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
pub(crate) fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("nan");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "inf" } else { "-inf" });
    }
    // Rust's scientific form gives the shortest digits, such as `-1.5e-7`; only the layout differs.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        out.write_str(&plain)?;
        if !plain.contains('.') {
            out.write_str(".0")?;
        }
        Ok(())
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    }
}

/// Writes `value` as `json.dumps` does: as `repr`, with its own words for what is not finite.
pub(crate) fn write_json_float(out: &mut impl Write, value: f64) -> fmt::Result {
    match value {
        _ if value.is_nan() => out.write_str("NaN"),
        f64::INFINITY => out.write_str("Infinity"),
        f64::NEG_INFINITY => out.write_str("-Infinity"),
        _ => write_float(out, value),
    }
}

/// Writes `text` as `json.dumps` does, quotes included.
pub(crate) fn write_json_string(out: &mut String, text: &str, ensure_ascii: bool) {
    out.push('"');
    let mut plain = 0;
    for (index, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\0'..='\u{1f}' => "",
            '\u{7f}'.. if ensure_ascii => "",
            // Without it Python leaves DEL alone.
            _ => continue,
        };
        out.push_str(&text[plain..index]);
        plain = index + character.len_utf8();
        if escape.is_empty() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_python() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut text = String::new();
            write_float(&mut text, value).unwrap();
            assert_eq!(text, expected);
        }
    }
}
