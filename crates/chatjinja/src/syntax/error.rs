//! `SyntaxError`: the error of a template that does not compile.

use std::fmt;
use std::ops::Range;

/// The error of a template that does not compile, with its place.
///
/// It prints the message, then the line with a marker under the fault:
///
/// ```
/// let error = chatjinja::Template::new("example", "Hello\n{{ name ! }}").unwrap_err();
/// assert_eq!(error.line(), Some(2));
/// assert_eq!(error.to_string(), "unexpected character\n  2 | {{ name ! }}\n    |         ^");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    text: String,
    line: Option<usize>,
    columns: Option<Range<usize>>,
    /// The line and the marker, each after a line break.
    quoted: String,
}

impl SyntaxError {
    pub(super) fn new(text: impl Into<String>) -> SyntaxError {
        SyntaxError { text: text.into(), line: None, columns: None, quoted: String::new() }
    }

    pub(super) fn at_line(text: impl Into<String>, line: usize) -> SyntaxError {
        SyntaxError { line: Some(line), ..SyntaxError::new(text) }
    }

    pub(super) fn with_columns(self, columns: Option<Range<usize>>) -> SyntaxError {
        SyntaxError { columns, ..self }
    }

    /// The same error with its line quoted from `source`.
    pub(super) fn quoting(mut self, source: &str) -> SyntaxError {
        self.quoted = self.line.and_then(|line| quote(source, line, self.columns.clone())).unwrap_or_default();
        self
    }

    /// The message, without the place.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the source, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The bytes of that line that are wrong, if they are known.
    pub fn columns(&self) -> Option<Range<usize>> {
        self.columns.clone()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, self.quoted)
    }
}

impl std::error::Error for SyntaxError {}

/// A line of the source with a marker under `columns`. A long line is shortened to the part around them.
fn quote(source: &str, line: usize, columns: Option<Range<usize>>) -> Option<String> {
    const BEFORE: usize = 60;
    const SHOWN: usize = 120;
    let text = source.lines().nth(line.checked_sub(1)?)?;
    if text.trim().is_empty() {
        return None;
    }
    let count = |at: usize| text.get(..at).map(|before| before.chars().count());
    let (from, to) = columns.and_then(|at| Some((count(at.start)?, count(at.end.min(text.len()))?))).unzip();
    let first = from.map_or(0, |from| from.saturating_sub(BEFORE));
    let indent = text.chars().skip(first).take_while(|it| it.is_whitespace()).count();
    let first = first + indent.min(from.map_or(indent, |from| from - first));
    let shown: String = text.chars().skip(first).take(SHOWN).map(|it| if it == '\t' { ' ' } else { it }).collect();
    let mut quoted = format!("\n  {line} | {shown}");
    if let (Some(from), Some(to)) = (from, to) {
        let margin = " ".repeat(line.to_string().len() + 2);
        let marker = "^".repeat(to.saturating_sub(from).clamp(1, SHOWN.saturating_sub(from - first).max(1)));
        quoted = format!("{quoted}\n{margin} | {}{marker}", " ".repeat(from - first));
    }
    Some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_quoted_around_the_fault() {
        assert_eq!(quote("a\n\tb c", 2, Some(3..4)).unwrap(), "\n  2 | b c\n    |   ^");
        assert_eq!(quote("a\n  b", 2, None).unwrap(), "\n  2 | b");
        assert_eq!(quote("a\n \nb", 2, Some(0..1)), None);
        assert_eq!(quote("a", 7, None), None);
        let long = "x".repeat(300);
        assert_eq!(
            quote(&long, 1, Some(200..202)).unwrap(),
            format!("\n  1 | {}\n    | {}^^", "x".repeat(120), " ".repeat(60))
        );
    }
}
