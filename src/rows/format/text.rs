//! `FormatText`: a small Jinja text over the fields of a row, such as the content of a message that a format builds.

use chatjinja::{Global, Globals, Input, Node, Template};

use super::fields::{FieldRule, FieldValues};
use crate::error::{Error, ErrorKind, Result};
use crate::names::did_you_mean;

/// A compiled text.
#[derive(Debug)]
pub(super) struct FormatText(Template);

impl FormatText {
    /// Compiles `source`, which reads `fields`. `name` describes the text in error messages, and `in_list` tells whether there
    /// is a variable `item`.
    pub(super) fn new(name: &str, source: &str, fields: &[FieldRule], in_list: bool) -> Result<FormatText> {
        let template = Template::new(name, source).map_err(|error| {
            let failure =
                Error::new(ErrorKind::TemplateSyntax, format!("the text of {name} does not compile: {error}"));
            error.line().into_iter().fold(failure, Error::at_template_line)
        })?;
        let known = || fields.iter().map(|field| field.name.as_str()).chain(in_list.then_some("item"));
        if let Some(variable) = template.variables().find(|variable| known().all(|name| name != *variable)) {
            let hint = did_you_mean(variable, known());
            let text = format!("the text of {name} reads `{variable}`, which is not a field of the format{hint}");
            return Err(Error::new(ErrorKind::Option, text));
        }
        Ok(FormatText(template))
    }

    /// Renders the text over `fields`. `item` is the value of the variable `item`, inside a repeated message.
    pub(super) fn render(&self, fields: &FieldValues<'_>, item: Option<&Node<'_>>) -> Result<String> {
        let variables = FormatGlobals { fields, item };
        let rendered = self.0.render(Input::new(&variables));
        rendered.map(|rendered| rendered.text).map_err(|error| Error::from_render(&error, self.0.name()))
    }
}

#[derive(Debug)]
struct FormatGlobals<'r, 'a> {
    fields: &'r FieldValues<'a>,
    item: Option<&'r Node<'a>>,
}

impl Globals for FormatGlobals<'_, '_> {
    fn get(&self, name: &str) -> Option<Global<'_>> {
        let item = self.item.filter(|_| name == "item");
        item.or_else(|| self.fields.get(name)).map(Global::Node)
    }
}
