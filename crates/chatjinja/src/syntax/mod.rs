//! Compiles the source of a template to a [`Program`].
//!
//! minijinja's parser makes the syntax tree. [`source`] rewrites the source where that parser differs from Jinja2.
//! [`scope`] resolves names to slots by Jinja2's rules of scope. [`statements`] and [`expressions`] compile the tree to
//! the intermediate representation.
//!
//! Each `match` on the syntax tree lists all kinds of nodes, so that a newer parser with more kinds does not compile
//! here before they are handled.

mod depth;
mod error;
mod expressions;
mod literal;
mod scan;
mod scope;
mod source;
mod statements;
mod tree;

pub use error::SyntaxError;

use minijinja::machinery::ast::Stmt as TreeStmt;
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

use crate::ir::Program;

/// The longest source in bytes: fifty times the longest real template that is known.
const MAX_SOURCE: usize = 1 << 20;

/// Compiles the source of a template.
///
/// The parser and the compiler recurse as deep as the template is nested. They run on a stack that is large enough for
/// the deepest template that is allowed.
///
/// # Errors
/// If Jinja2 would not compile the source, or if it needs a part of Jinja2 that is not supported.
pub(crate) fn compile(source: &str) -> Result<Program, SyntaxError> {
    const STACK: usize = 16 << 20;
    if source.len() > MAX_SOURCE {
        let text = format!("the source has {} bytes; the limit is {MAX_SOURCE}, so shorten it", source.len());
        return Err(SyntaxError::new(text));
    }
    stacker::maybe_grow(STACK / 2, STACK, || compile_on_this_stack(source)).map_err(|error| error.quoting(source))
}

fn compile_on_this_stack(source: &str) -> Result<Program, SyntaxError> {
    let prepared = source::prepare(source)?;
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(|error| SyntaxError::new(error.to_string()))?;
    let tree = parse(&prepared.source, "chat_template", syntax)
        .map_err(|error| parser_error(&error, source, &prepared.source))?;
    let TreeStmt::Template(template) = &tree else { return Err(SyntaxError::new("there is no template")) };
    let mut program = statements::template(&template.children)?;
    drop(tree);
    program.lines = std::iter::once(0)
        .chain(prepared.source.match_indices('\n').map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
        .collect();
    program.has_generation = prepared.has_generation;
    program.source = prepared.source;
    Ok(program)
}

/// An error of the parser. Its columns are left out if the line was rewritten, since they are not those of the source.
fn parser_error(error: &minijinja::Error, source: &str, prepared: &str) -> SyntaxError {
    let text = error.detail().unwrap_or("syntax error");
    let Some(line) = error.line() else { return SyntaxError::new(text) };
    let is_unchanged = prepared.lines().nth(line - 1) == source.lines().nth(line - 1);
    let columns = error.range().filter(|_| is_unchanged).and_then(|range| {
        let start = prepared.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        Some(range.start.checked_sub(start)?..range.end.checked_sub(start)?)
    });
    SyntaxError::at_line(text, line).with_columns(columns)
}
