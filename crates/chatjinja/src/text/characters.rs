//! Kinds of characters as in the methods of Python's `str`: letters, digits, printable characters.
//!
//! Rust's tables of Unicode are newer than those of older Pythons, so characters added in between may differ.

use unicode_general_category::{GeneralCategory, get_general_category};

/// `str.isprintable` for one character.
pub(crate) fn is_printable(character: char) -> bool {
    character == ' '
        || !matches!(
            get_general_category(character),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::SpaceSeparator
        )
}

/// `str.isalpha` for one character.
pub(crate) fn is_alpha(character: char) -> bool {
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
pub(crate) fn is_decimal(character: char) -> bool {
    get_general_category(character) == GeneralCategory::DecimalNumber
}

/// `str.isdigit` for one character: also raised, lowered and circled digits.
pub(crate) fn is_digit(character: char) -> bool {
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

/// Chinese characters for numbers.
const NUMERIC: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰\
                       阡陆陌陸零";

/// The same in rare blocks of Unicode.
const RARE_NUMERIC: [char; 23] = [
    '\u{f96b}',
    '\u{f973}',
    '\u{f978}',
    '\u{f9b2}',
    '\u{f9d1}',
    '\u{f9d3}',
    '\u{f9fd}',
    '\u{20001}',
    '\u{20064}',
    '\u{200e2}',
    '\u{20121}',
    '\u{2092a}',
    '\u{20983}',
    '\u{2098c}',
    '\u{2099c}',
    '\u{20aea}',
    '\u{20afd}',
    '\u{20b19}',
    '\u{22390}',
    '\u{22998}',
    '\u{23b1b}',
    '\u{2626d}',
    '\u{2f890}',
];

/// `str.isnumeric` for one character.
pub(crate) fn is_numeric(character: char) -> bool {
    is_digit(character)
        || matches!(get_general_category(character), GeneralCategory::LetterNumber | GeneralCategory::OtherNumber)
        || NUMERIC.contains(character)
        || RARE_NUMERIC.contains(&character)
}

/// `str.isalnum` for one character.
pub(crate) fn is_alnum(character: char) -> bool {
    is_alpha(character) || is_numeric(character)
}

/// Whether a character has title case, such as `ǅ`.
pub(crate) fn is_title(character: char) -> bool {
    get_general_category(character) == GeneralCategory::TitlecaseLetter
}

/// Whether a character has upper, lower or title case.
pub(crate) fn is_cased(character: char) -> bool {
    character.is_lowercase() || character.is_uppercase() || is_title(character)
}

/// `str.isidentifier`.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first))
        && characters.all(unicode_ident::is_xid_continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_pythons() {
        assert!(is_decimal('٣') && is_digit('²') && !is_decimal('²'));
        assert!(is_numeric('百') && is_numeric('\u{2f890}') && is_numeric('½') && !is_digit('½'));
        assert!(is_alpha('é') && is_alnum('½') && !is_alpha('_'));
        assert!(is_printable(' ') && !is_printable('\u{a0}') && !is_printable('\u{ad}'));
        assert!(is_identifier("_é1") && !is_identifier("1a") && !is_identifier(""));
    }
}
