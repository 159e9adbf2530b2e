//! `Template`: compiled once, rendered many times.

use std::ops::Range;

use crate::error::RenderError;
use crate::eval;
use crate::ir::Program;
use crate::names::Function;
use crate::provenance::{Provenance, ProvenanceSpan};
use crate::runtime::{Finished, Input, Limits, TraceEvent, Tracing};
use crate::syntax::{SyntaxError, compile};

/// A compiled template. Threads can share it; each render has its own state.
///
/// ```
/// use chatjinja::{Fields, Input, Node, Template};
///
/// let template = Template::new("example", "{{ names|join(', ') }}: {{ names|length }}")?;
/// assert_eq!(template.variables().collect::<Vec<_>>(), ["names"]);
///
/// let names = Node::parse_json(br#"["Ada", "Alan"]"#)?;
/// let variables: Fields<'_> = vec![("names".into(), names)];
/// assert_eq!(template.render(Input::new(&variables))?.text, "Ada, Alan: 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Template {
    name: String,
    source: String,
    program: Program,
    looks_ahead: bool,
    limits: Limits,
}

impl Template {
    /// Compiles `source`. `name` is only stored, for messages of the caller.
    ///
    /// As in transformers, `trim_blocks` and `lstrip_blocks` are on, and `break`, `continue` and `{% generation %}`
    /// exist.
    ///
    /// # Errors
    /// If Jinja2 would not compile the source, or if it needs a part of Jinja2 that is not supported.
    pub fn new(name: &str, source: &str) -> Result<Template, SyntaxError> {
        let program = compile(source)?;
        let looks_ahead = program.looks_ahead();
        Ok(Template {
            name: name.to_owned(),
            source: source.to_owned(),
            program,
            looks_ahead,
            limits: Limits::default(),
        })
    }

    /// The same template with other limits on its renders.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Template {
        Template { limits, ..self }
    }

    /// The limits on its renders.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The name of the template.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The source of the template.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the variables that the template may take from its input: it reads them and does not always set them
    /// before. Built-in functions are not included.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let names = self.program.globals.iter().map(String::as_str);
        names.filter(|name| Function::global(name).is_none())
    }

    /// The names of the built-in functions that the template reads. A variable of such a name replaces the function.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let names = self.program.globals.iter().map(String::as_str);
        names.filter(|name| Function::global(name).is_some())
    }

    /// Whether the template may call `strftime_now`, so that its text depends on the time.
    pub fn reads_clock(&self) -> bool {
        self.program.globals.iter().any(|name| name == Function::StrftimeNow.name())
    }

    /// Whether the template has a `{% generation %}` block.
    pub fn has_generation(&self) -> bool {
        self.program.has_generation
    }

    /// Whether the template reads `loop.nextitem`, and so may read a record before the loop reaches it.
    pub fn looks_ahead(&self) -> bool {
        self.looks_ahead
    }

    /// Renders the template.
    ///
    /// # Errors
    /// If the template raises an error, or if it reaches a limit.
    pub fn render<'d>(&'d self, input: Input<'d>) -> Result<Rendered, RenderError> {
        self.run(input, Tracing::Off).map(Rendered::of)
    }

    /// Renders the template, and records the provenance of its text and the reads of the records.
    ///
    /// Copies are found by the addresses of the strings in `input`. So give each value its own memory: if two records
    /// share the memory of one string, an address does not identify the record.
    ///
    /// ```
    /// use chatjinja::{Fields, Input, Node, Provenance, Template};
    ///
    /// let variables: Fields<'_> = vec![("name".into(), Node::Str(" you ".into()))];
    /// let template = Template::new("example", "Hello {{ name|trim }}!")?;
    /// let traced = template.trace(Input::new(&variables))?;
    /// let [span] = traced.spans.as_slice() else { panic!("one value is printed") };
    /// assert_eq!(&traced.rendered.text[span.range()], "you");
    /// let Node::Str(name) = &variables[0].1 else { panic!("the name is a string") };
    /// assert_eq!(span.provenance, Provenance::Copied(name[1..].as_ptr() as usize));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`render`](Template::render).
    pub fn trace<'d>(&'d self, input: Input<'d>) -> Result<Traced, RenderError> {
        let mut finished = self.run(input, Tracing::Events)?;
        let events = finished.trace.take().unwrap_or_default().events;
        let mut spans = std::mem::take(&mut finished.text.spans);
        let mut written = Vec::new();
        if input.tracks_template {
            spans.retain(|span| {
                let is_input = span.provenance != Provenance::Template;
                if !is_input {
                    written.push(span.range());
                }
                is_input
            });
        }
        Ok(Traced { rendered: Rendered::of(finished), spans, written, events })
    }

    /// The keys of records that a render reads, in the order of the first read.
    ///
    /// # Errors
    /// As [`render`](Template::render).
    pub fn keys_read<'d>(&'d self, input: Input<'d>) -> Result<Vec<KeyRead>, RenderError> {
        let keys = self.run(input, Tracing::Keys)?.trace.and_then(|trace| trace.keys).unwrap_or_default();
        Ok(keys.into_iter().map(|(key, found)| KeyRead { key, found }).collect())
    }

    fn run<'d>(&'d self, input: Input<'d>, tracing: Tracing) -> Result<Finished, RenderError> {
        eval::render(&self.program, input, tracing, self.limits)
            .map_err(|failure| RenderError::of(failure, &self.program))
    }
}

/// A rendered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The bytes of the text that `{% generation %}` blocks printed, in their order. Wherever a block is, in a macro or
    /// a `set` block too, these are the bytes of the final text.
    pub generation: Vec<Range<usize>>,
    /// Whether the template changed a text after a `{% generation %}` block had printed it, so that the text is missing
    /// in `generation`.
    pub generation_lost: bool,
    /// For each `{% generation %}` block, the length of the output when it began, and the characters that it printed.
    counted: Vec<(usize, usize)>,
}

impl Rendered {
    fn of(finished: Finished) -> Rendered {
        Rendered {
            text: finished.text.text,
            generation: finished.generation,
            generation_lost: finished.generation_lost,
            counted: finished.generation_as_transformers,
        }
    }

    /// The bytes that transformers attributes to `{% generation %}` blocks. Transformers takes the length of the output
    /// as the start of a block, so the spans of blocks in macros and `set` blocks start too early.
    pub fn generation_as_transformers(&self) -> Vec<Range<usize>> {
        let spans = self.counted.iter().filter_map(|(start, characters)| {
            let end = self.text.get(*start..)?.char_indices().nth(*characters);
            Some(*start..end.map_or(self.text.len(), |(at, _)| start + at))
        });
        spans.collect()
    }
}

/// A rendered text with its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The text, and the bytes of its `{% generation %}` blocks.
    pub rendered: Rendered,
    /// The provenance of the bytes of the text, in the order in which they were printed. Spans may overlap; text of the
    /// template itself has none.
    pub spans: Vec<ProvenanceSpan>,
    /// The bytes that the template itself wrote, in the order in which they were printed. Empty if they are not
    /// [tracked](Input::tracks_template). All other bytes depend on the input.
    pub written: Vec<Range<usize>>,
    /// The events of the records, in their order.
    pub events: Vec<TraceEvent>,
}

/// A key of the records that a render read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRead {
    /// The key.
    pub key: String,
    /// Whether one of the records had it when it was read.
    pub found: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_can_be_shared() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Template>();
    }
}
