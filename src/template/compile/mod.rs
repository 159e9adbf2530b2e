//! From the source of a template to its [`Program`].
//!
//! minijinja's parser makes the syntax tree ([`source`] rewrites the corners where its reading differs from Jinja2's);
//! names become slots by Jinja2's rules of scope ([`scope`]), and statements ([`statements`]) and expressions
//! ([`expressions`]) become what [`super::run`] runs.

mod expressions;
mod literal;
mod scan;
mod scope;
mod source;
mod statements;

use minijinja::machinery::ast::{Expr, Stmt, WithBlock};
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

use super::program::Program;

/// Why a template does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) text: String,
    /// The line, from 1.
    pub(super) line: Option<usize>,
    /// The bytes of that line, from its begin, that are wrong.
    pub(super) columns: Option<(usize, usize)>,
}

impl SyntaxError {
    fn new(text: impl Into<String>) -> SyntaxError {
        SyntaxError { text: text.into(), line: None, columns: None }
    }
}

/// Compiles `source`. The parser and the compiler follow the depth of a template by calling themselves, so they are
/// given a stack that fits the deepest that is let through, whatever thread this runs on.
pub(super) fn compile(source: &str) -> Result<Program, SyntaxError> {
    const STACK: usize = 16 << 20;
    stacker::maybe_grow(STACK / 2, STACK, || parsed(source))
}

fn parsed(source: &str) -> Result<Program, SyntaxError> {
    let prepared = source::prepare(source).map_err(|misplaced| SyntaxError {
        text: misplaced.text,
        line: Some(misplaced.line),
        columns: None,
    })?;
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(|error| SyntaxError::new(error.to_string()))?;
    let tree = parse(&prepared.source, "chat_template", syntax).map_err(|error| {
        let line = error.line();
        let columns = error.range().zip(line).and_then(|(range, line)| {
            let start = prepared.source.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
            Some((range.start.checked_sub(start)?, range.end.checked_sub(start)?))
        });
        // Where a line was rewritten its columns are not those of the source.
        let same = |line: &usize| prepared.source.lines().nth(line - 1) == source.lines().nth(line - 1);
        let columns = columns.filter(|_| line.as_ref().is_some_and(same));
        SyntaxError { text: error.detail().unwrap_or("syntax error").to_owned(), line, columns }
    })?;
    let lines: Vec<u32> = std::iter::once(0)
        .chain(prepared.source.match_indices('\n').map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
        .collect();
    let Stmt::Template(template) = &tree else { return Err(SyntaxError::new("there is no template")) };
    let mut program = statements::template(&template.children).map_err(|mut error| {
        if let (None, Some((start, _))) = (error.line, error.columns) {
            let line = lines.partition_point(|begin| *begin as usize <= start);
            (error.line, error.columns) = (Some(line), None);
        }
        error
    })?;
    drop(tree);
    program.lines = lines;
    program.has_generation = prepared.has_generation;
    program.source = prepared.source;
    Ok(program)
}

/// The statements of a `{% generation %}`, if the block was one.
fn generation_body<'t, 'a>(with: &'t WithBlock<'a>) -> Option<&'t [Stmt<'a>]> {
    let is = |statement: Option<&Stmt<'_>>, name: &str| match statement {
        Some(Stmt::EmitExpr(emit)) => matches!(&emit.expr, Expr::Var(var) if var.id == name),
        _ => false,
    };
    let is_sign = |statement: Option<&Stmt<'_>>, name: &str| match statement {
        Some(Stmt::Set(set)) => matches!(&set.target, Expr::Var(var) if var.id == name),
        _ => false,
    };
    let body = with.body.as_slice();
    if !is(body.first(), source::GENERATION_START) || !is(body.last(), source::GENERATION_END) {
        return None;
    }
    let inner = &body[1..body.len() - 1];
    let from = usize::from(is_sign(inner.first(), source::GENERATION_START));
    let to = inner.len() - usize::from(is_sign(inner.last(), source::GENERATION_END));
    inner.get(from..to)
}
