//! Strings as `json.dumps` writes them.

use std::fmt::Write as _;

/// Writes `text` with quotes and escapes. `ensure_ascii` escapes every character outside ASCII too.
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
            // Without `ensure_ascii` Python does not escape DEL.
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
    fn escapes_are_those_of_json_dumps() {
        for (ensure_ascii, expected) in
            [(false, "\"a\\\"\\\\\\n\\u0001\u{7f}é😀\""), (true, "\"a\\\"\\\\\\n\\u0001\\u007f\\u00e9\\ud83d\\ude00\"")]
        {
            let mut text = String::new();
            write_json_string(&mut text, "a\"\\\n\u{1}\u{7f}é😀", ensure_ascii);
            assert_eq!(text, expected);
        }
    }
}
