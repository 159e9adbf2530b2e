//! `strftime` of Python's `datetime`, in the C locale.

use std::fmt::Write as _;

use chrono::{Datelike as _, Local, NaiveDateTime, Timelike as _};

/// `now.strftime(format)`. chrono writes most directives as C does; the few that Python writes differently are here.
///
/// # Errors
/// The directive that chrono cannot write.
pub(crate) fn strftime(now: NaiveDateTime, format: &str) -> Result<String, char> {
    let mut out = String::with_capacity(format.len() + 16);
    // The C library takes the text up to a NUL.
    let mut rest = format.split('\0').next().unwrap_or_default();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let padding = rest.chars().next().filter(|sign| matches!(sign, '-' | '_' | '0' | '^' | '#'));
        if padding.is_some() {
            rest = &rest[1..];
        }
        let Some(directive) = rest.chars().next() else {
            out.push('%');
            break;
        };
        rest = &rest[directive.len_utf8()..];
        let text = match directive {
            '%' => "%".to_owned(),
            'f' => format!("{:06}", now.nanosecond() / 1000 % 1_000_000),
            // The time has no zone, so there is none to print.
            'z' | 'Z' => String::new(),
            'c' => now.format("%a %b %e %H:%M:%S %Y").to_string(),
            'x' => now.format("%m/%d/%y").to_string(),
            'X' => now.format("%H:%M:%S").to_string(),
            'h' => now.format("%b").to_string(),
            's' => match now.and_local_timezone(Local).earliest() {
                Some(local) => local.timestamp().to_string(),
                None => now.and_utc().timestamp().to_string(),
            },
            'Y' => now.year().to_string(),
            'a' | 'A' | 'b' | 'B' | 'C' | 'd' | 'D' | 'e' | 'F' | 'g' | 'G' | 'H' | 'I' | 'j' | 'k' | 'l' | 'm'
            | 'M' | 'n' | 'p' | 'P' | 'r' | 'R' | 'S' | 't' | 'T' | 'u' | 'U' | 'V' | 'w' | 'W' | 'y' => {
                let mut text = String::new();
                let item = format!("%{directive}");
                if write!(text, "{}", now.format(&item)).is_err() {
                    return Err(directive);
                }
                text
            }
            other => format!("%{}{other}", padding.map(String::from).unwrap_or_default()),
        };
        out.push_str(&padded(&text, padding));
    }
    out.push_str(rest);
    Ok(out)
}

/// The text of a directive with a flag of the GNU C library: `-` no padding, `_` spaces, `0` zeros, `^` and `#` case.
fn padded(text: &str, flag: Option<char>) -> String {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ') && !text.is_empty();
    match flag {
        Some('-') if digits => {
            let bare = text.trim_start_matches(['0', ' ']);
            if bare.is_empty() { "0".into() } else { bare.into() }
        }
        Some('_') if digits => {
            let bare = text.trim_start_matches('0');
            let bare = if bare.is_empty() { "0" } else { bare };
            format!("{bare:>width$}", width = text.len())
        }
        Some('0') if digits => text.replace(' ', "0"),
        Some('^') => text.to_uppercase(),
        Some('#') => {
            if text.chars().any(char::is_lowercase) {
                text.to_uppercase()
            } else {
                text.to_lowercase()
            }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_pythons() {
        let now = "2026-07-04T13:05:09".parse().unwrap();
        for (format, expected) in [
            ("%d %b %Y", "04 Jul 2026"),
            ("%-d %B %Y, %I:%M %p", "4 July 2026, 01:05 PM"),
            ("%Y-%m-%dT%H:%M:%S%z %% %A %j %f", "2026-07-04T13:05:09 % Saturday 185 000000"),
            ("%c|%x|%X|%y|%e|%^a", "Sat Jul  4 13:05:09 2026|07/04/26|13:05:09|26| 4|SAT"),
        ] {
            assert_eq!(strftime(now, format).unwrap(), expected);
        }
    }
}
