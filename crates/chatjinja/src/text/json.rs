//! Strings as `json.dumps` writes them.

use std::fmt::Write as _;

/// The bytes that are looked at together, without a branch for each.
const CHUNK: usize = 16;

/// Writes `text` with quotes and escapes. `ensure_ascii` escapes every character outside ASCII too.
pub(crate) fn write_json_string(out: &mut String, text: &str, ensure_ascii: bool) {
    // Without `ensure_ascii` Python does not escape DEL.
    let first_outside = if ensure_ascii { 0x7f } else { u8::MAX };
    out.push('"');
    let mut rest = text;
    while let Some(at) = find_escaped(rest.as_bytes(), first_outside) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = from.chars();
        if let Some(character) = characters.next() {
            write_escape(out, character);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// The place of the first byte that begins a character with an escape: `"`, `\`, a control character, or a byte from
/// `first_outside` on. No byte of a text is 255.
fn find_escaped(bytes: &[u8], first_outside: u8) -> Option<usize> {
    let is_escaped = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\') | (*byte >= first_outside);
    let whole = bytes.chunks_exact(CHUNK);
    let plain = whole.take_while(|chunk| !chunk.iter().fold(false, |found, byte| found | is_escaped(byte))).count();
    let start = plain * CHUNK;
    bytes[start..].iter().position(is_escaped).map(|at| start + at)
}

fn write_escape(out: &mut String, character: char) {
    out.push_str(match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
            return;
        }
    });
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
