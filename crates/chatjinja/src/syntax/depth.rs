//! Limits on the nesting of a source, checked before the parser runs: the parser recurses and would overflow the stack.

use super::error::SyntaxError;
use super::scan::{Token, TokenKind};
use super::source::{line_of, tag_name};

/// The most operators in a row, and the most branches of an `if`. Real templates have at most a fifth of this.
const MAX_OPERATORS: usize = 500;

/// Rejects a source for which the recursion of the parser could overflow the stack.
pub(super) fn check(source: &str, tokens: &[Token]) -> Result<(), SyntaxError> {
    // The operators so far in each open bracket. A comma begins a new row inside its bracket.
    let mut operators = vec![0];
    let mut branches: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = &source[token.start..token.end];
        match (token.kind, text) {
            (TokenKind::BlockStart, _) => {
                operators = vec![0];
                match (tag_name(source, &tokens[index + 1..]).map(|(name, _)| name), branches.last_mut()) {
                    (Some("if"), _) => branches.push(0),
                    (Some("elif"), Some(branches)) => *branches += 1,
                    (Some("endif"), _) => drop(branches.pop()),
                    _ => {}
                }
            }
            (TokenKind::VariableStart, _) => operators = vec![0],
            (TokenKind::Operator, ")" | "]" | "}") => {
                operators.pop();
                // The tokens after a bracket belong to the row that contains the bracket.
                if operators.is_empty() {
                    operators.push(0);
                }
            }
            (TokenKind::Operator, ",") => operators.last_mut().into_iter().for_each(|count| *count = 0),
            (TokenKind::Operator, ":" | "=") => {}
            (TokenKind::Operator, _) | (TokenKind::Word, "and" | "or" | "not" | "is" | "in" | "if" | "else") => {
                operators.last_mut().into_iter().for_each(|count| *count += 1);
                if matches!(text, "(" | "[" | "{") {
                    operators.push(0);
                }
            }
            _ => {}
        }
        let text = if operators.iter().sum::<usize>() > MAX_OPERATORS {
            format!("there are more than {MAX_OPERATORS} operators in a row; split the expression")
        } else if branches.last().is_some_and(|count| *count > MAX_OPERATORS) {
            format!("this `if` has more than {MAX_OPERATORS} branches; split it")
        } else {
            continue;
        };
        return Err(SyntaxError::at_line(text, line_of(source, token.start)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    #[test]
    fn long_rows_are_refused() {
        for source in [
            format!("{{{{ x{} }}}}", "|e".repeat(501)),
            format!("{{{{ {} x }}}}", "not ".repeat(100_000)),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(5000)),
            format!("{{{{ x{} }}}}", "|replace('a', 'b')".repeat(501)),
        ] {
            let error = check(&source, &scan(&source)).unwrap_err();
            assert!(error.text().contains("more than 500"), "{}", &source[..40]);
        }
        for source in [format!("{{{{ x{} }}}}", "|e".repeat(500)), format!("{{{{ [{}] }}}}", "-1, ".repeat(5000))] {
            check(&source, &scan(&source)).unwrap();
        }
    }
}
