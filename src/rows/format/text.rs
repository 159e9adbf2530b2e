//! `FormatText`: a small Jinja text over the fields of a row, such as the content of a message that a format builds.

use chatjinja::{Global, Globals, Input, Node, Template};

use super::fields::FieldValues;
use crate::error::{Error, ErrorKind, Result};

/// A compiled text.
#[derive(Debug)]
pub(super) struct FormatText(Template);

impl FormatText {
    /// Compiles `source`. `name` describes the text in error messages.
    pub(super) fn new(name: &str, source: &str) -> Result<FormatText> {
        let template = Template::new(name, source).map_err(|error| {
            let failure =
                Error::new(ErrorKind::TemplateSyntax, format!("the text of {name} does not compile: {error}"));
            error.line().into_iter().fold(failure, Error::at_template_line)
        })?;
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
