//! Python's rules for text: pure functions over strings, characters and numbers.

pub(crate) mod casing;
pub(crate) mod characters;
pub(crate) mod float;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod number;
pub(crate) mod number_format;
pub(crate) mod quote;
pub(crate) mod strftime;
pub(crate) mod url;
pub(crate) mod wrap;

/// Whether `str.strip` and `\s` of Python treat a character as white space.
///
/// This is Unicode's white space and the four separators U+001C to U+001F.
///
/// ```
/// assert!(chatjinja::is_space('\u{1c}') && !'\u{1c}'.is_whitespace());
/// ```
#[inline]
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}
