//! Upper, lower and title case, and the kinds of characters, as Python's `str` has them.
//!
//! Rust's tables of Unicode are newer than those of older Pythons; characters added in between may differ.

use unicode_general_category::{GeneralCategory, get_general_category};

/// `str.title()`: a capital after whatever has no case.
pub(super) fn title(text: &str) -> String {
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
pub(super) fn capitalize(text: &str) -> String {
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
pub(super) fn swapcase(text: &str) -> String {
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
pub(super) fn casefold(text: &str) -> String {
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

/// Whether a character has upper, lower or title case.
pub(super) fn is_cased(character: char) -> bool {
    character.is_lowercase() || character.is_uppercase() || is_title(character)
}

pub(super) fn is_title(character: char) -> bool {
    get_general_category(character) == GeneralCategory::TitlecaseLetter
}

fn push_lower(out: &mut String, text: &str, at: usize, character: char) {
    if character != 'Σ' {
        return out.extend(character.to_lowercase());
    }
    // The last sigma of a word is another letter: after a cased letter, and before none.
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

/// Appends the title case of a character, which differs from upper case for digraphs and ligatures.
fn push_title(out: &mut String, character: char) {
    match character {
        'Ǆ' | 'ǅ' | 'ǆ' => out.push('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => out.push('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => out.push('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => out.push('ǲ'),
        '\u{10d0}'..='\u{10ff}' => out.push(character),
        // Greek vowels with an iota below: rows of eight small and eight title forms.
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
        // The first letter of what becomes several is a capital.
        'ß' | '\u{587}' | '\u{fb00}'..='\u{fb17}' => {
            let mut upper = character.to_uppercase();
            out.extend(upper.next());
            out.extend(upper.flat_map(char::to_lowercase));
        }
        other => out.extend(other.to_uppercase()),
    }
}

/// `str.isalpha` for one character.
pub(super) fn is_alpha(character: char) -> bool {
    matches!(
        get_general_category(character),
        GeneralCategory::UppercaseLetter
            | GeneralCategory::LowercaseLetter
            | GeneralCategory::TitlecaseLetter
            | GeneralCategory::ModifierLetter
            | GeneralCategory::OtherLetter
    )
}

/// `str.isdecimal` for one character.
pub(super) fn is_decimal(character: char) -> bool {
    get_general_category(character) == GeneralCategory::DecimalNumber
}

/// `str.isdigit` for one character: also digits that are raised, lowered or circled.
pub(super) fn is_digit(character: char) -> bool {
    is_decimal(character)
        || matches!(
            character,
            '²' | '³' | '¹' | '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{2070}' | '\u{2074}'..='\u{2079}'
            | '\u{2080}'..='\u{2089}' | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}'
            | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}'
            | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' | '\u{10e60}'..='\u{10e68}'
            | '\u{11052}'..='\u{1105a}' | '\u{1f100}'..='\u{1f10a}'
        )
}

/// Chinese characters that are numbers.
const NUMERIC: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰\
                       阡陆陌陸零";

/// `str.isnumeric` for one character.
pub(super) fn is_numeric(character: char) -> bool {
    is_digit(character)
        || matches!(get_general_category(character), GeneralCategory::LetterNumber | GeneralCategory::OtherNumber)
        || NUMERIC.contains(character)
        || matches!(
            character,
            '\u{f96b}'
                | '\u{f973}'
                | '\u{f978}'
                | '\u{f9b2}'
                | '\u{f9d1}'
                | '\u{f9d3}'
                | '\u{f9fd}'
                | '\u{20001}'
                | '\u{20064}'
                | '\u{200e2}'
                | '\u{20121}'
                | '\u{2092a}'
                | '\u{20983}'
                | '\u{2098c}'
                | '\u{2099c}'
                | '\u{20aea}'
                | '\u{20afd}'
                | '\u{20b19}'
                | '\u{22390}'
                | '\u{22998}'
                | '\u{23b1b}'
                | '\u{2626d}'
                | '\u{2f890}'
        )
}

/// `str.isalnum` for one character.
pub(super) fn is_alnum(character: char) -> bool {
    is_alpha(character) || is_numeric(character)
}

/// `str.istitle`.
pub(super) fn is_title_text(text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_pythons() {
        assert_eq!(title("they're 1st_of ß ΑΣ ᾳ"), "They'Re 1St_Of Ss Ας ᾼ");
        assert_eq!(capitalize("éTÉ ΣΣ"), "Été σς");
        assert_eq!(swapcase("aBß"), "AbSS");
        assert_eq!(casefold("Straße Ꭰ"), "strasse Ꭰ");
    }
}
