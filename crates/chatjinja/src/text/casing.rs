//! Upper, lower and title case as the methods of Python's `str` convert and test them.
//!
//! Rust's tables of Unicode are newer than those of older Pythons, so characters added in between may differ.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::characters::{is_cased, is_title};

/// `str.title()`: a capital after every character without case.
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, character) in text.char_indices() {
        if inside {
            push_lower(&mut out, text, at, character);
        } else {
            push_title(&mut out, character);
        }
        inside = is_cased(character);
    }
    out
}

/// `str.capitalize()`.
pub(crate) fn capitalize(text: &str) -> String {
    let mut characters = text.char_indices();
    let mut out = String::with_capacity(text.len());
    if let Some((_, first)) = characters.next() {
        push_title(&mut out, first);
    }
    for (at, character) in characters {
        push_lower(&mut out, text, at, character);
    }
    out
}

/// `str.swapcase()`.
pub(crate) fn swapcase(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if character.is_uppercase() {
            push_lower(&mut out, text, at, character);
        } else if character.is_lowercase() {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
    }
    out
}

/// `str.casefold()`.
pub(crate) fn casefold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Cherokee folds to its capitals, the dotless i to itself.
            '\u{13a0}'..='\u{13f5}' | '\u{131}' => out.push(character),
            '\u{13f8}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => out.extend(character.to_uppercase()),
            'ẞ' => out.push_str("ss"),
            other => out.extend(other.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    out
}

/// The filter `title` of Jinja2: a capital at the start and after white space, hyphens and opening brackets.
pub(crate) fn jinja_title(text: &str) -> String {
    let separates = |it: char| super::is_space(it) || matches!(it, '-' | '(' | '{' | '[' | '<');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if separates(first) {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, behind) = rest.split_at(rest.find(separates).unwrap_or(rest.len()));
        out.extend(first.to_uppercase());
        out.push_str(&word[first.len_utf8()..].to_lowercase());
        rest = behind;
    }
    out
}

/// `str.islower`.
pub(crate) fn is_lower_text(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(|it| it.is_uppercase() || is_title(it))
}

/// `str.isupper`.
pub(crate) fn is_upper_text(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(|it| it.is_lowercase() || is_title(it))
}

/// `str.istitle`.
pub(crate) fn is_title_text(text: &str) -> bool {
    let (mut inside, mut any) = (false, false);
    for character in text.chars() {
        if character.is_uppercase() || is_title(character) {
            if inside {
                return false;
            }
            (inside, any) = (true, true);
        } else if character.is_lowercase() {
            if !inside {
                return false;
            }
            any = true;
        } else {
            inside = false;
        }
    }
    any
}

/// Appends the lower case of the character at `at` of `text`.
fn push_lower(out: &mut String, text: &str, at: usize, character: char) {
    if character != 'Σ' {
        return out.extend(character.to_lowercase());
    }
    // A sigma at the end of a word becomes a different letter: it follows a cased letter, and no cased letter follows
    // it.
    let ignored = |it: &char| {
        matches!(
            get_general_category(*it),
            GeneralCategory::NonspacingMark
                | GeneralCategory::EnclosingMark
                | GeneralCategory::Format
                | GeneralCategory::ModifierLetter
                | GeneralCategory::ModifierSymbol
        ) || matches!(it, '\'' | '.' | ':' | '·' | '’' | '\u{2018}' | '\u{2024}' | '\u{2027}')
    };
    let before = text[..at].chars().rev().find(|it| !ignored(it)).is_some_and(is_cased);
    let behind = text[at + character.len_utf8()..].chars().find(|it| !ignored(it)).is_some_and(is_cased);
    out.push(if before && !behind { 'ς' } else { 'σ' });
}

/// Appends the title case of a character. It differs from upper case for digraphs and ligatures.
fn push_title(out: &mut String, character: char) {
    match character {
        'Ǆ' | 'ǅ' | 'ǆ' => out.push('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => out.push('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => out.push('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => out.push('ǲ'),
        '\u{10d0}'..='\u{10ff}' => out.push(character),
        // Greek vowels with an iota below come in rows of eight small and eight title forms.
        '\u{1f80}'..='\u{1faf}' => {
            let title = u32::from(character) | 8;
            out.extend(char::from_u32(title));
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => out.extend(char::from_u32(u32::from(character) + 9)),
        '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}' => out.push(character),
        '\u{1fb7}' => out.push_str("\u{391}\u{342}\u{345}"),
        '\u{1fc7}' => out.push_str("\u{397}\u{342}\u{345}"),
        '\u{1ff7}' => out.push_str("\u{3a9}\u{342}\u{345}"),
        '\u{1fb2}' => out.push_str("\u{1fba}\u{345}"),
        '\u{1fb4}' => out.push_str("\u{386}\u{345}"),
        '\u{1fc2}' => out.push_str("\u{1fca}\u{345}"),
        '\u{1fc4}' => out.push_str("\u{389}\u{345}"),
        '\u{1ff2}' => out.push_str("\u{1ffa}\u{345}"),
        '\u{1ff4}' => out.push_str("\u{38f}\u{345}"),
        // If one letter becomes several, only the first is a capital.
        'ß' | '\u{587}' | '\u{fb00}'..='\u{fb17}' => {
            let mut upper = character.to_uppercase();
            out.extend(upper.next());
            out.extend(upper.flat_map(char::to_lowercase));
        }
        other => out.extend(other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_pythons() {
        assert_eq!(title("they're 1st_of ß ΑΣ ᾳ"), "They'Re 1St_Of Ss Ας ᾼ");
        assert_eq!(capitalize("éTÉ ΣΣ"), "Été σς");
        assert_eq!(swapcase("aBß"), "AbSS");
        assert_eq!(casefold("Straße Ꭰ"), "strasse Ꭰ");
        assert_eq!(jinja_title("they're (ONE-two) <b x"), "They're (One-Two) <B X");
    }

    #[test]
    fn tests_of_case_are_pythons() {
        assert!(is_lower_text("a1 b") && !is_lower_text("1") && !is_lower_text("aB"));
        assert!(is_upper_text("A1 B") && !is_upper_text("") && !is_upper_text("Aǅ"));
        assert!(is_title_text("They'Re 1St") && !is_title_text("They're") && !is_title_text("1"));
    }
}
