//! `Format`: the fields of the rows of a dataset, and the kind of row that they become.
//!
//! A format is data that [`Format::from_json`] reads.

mod answers;
mod builder;
mod built_answers;
mod fields;
mod given_answers;
mod mapping;
mod spec;
mod text;

pub use answers::AnswersSpec;
pub use fields::FieldValues;

use arrow_array::RecordBatch;

use super::content::{ContentCheck, EmptyAnswers};
use super::{Conversation, Row, RowKind, SegmentsRow, TemplateVariables, TextRow, TokensRow};
use crate::data::{Fields, Node, columns_of, field};
use crate::error::{Error, ErrorKind, Result};
use builder::MessageBuilder;
use fields::{FieldRule, flag};
use mapping::MessageMapping;

/// The description of the rows of a dataset.
#[derive(Debug)]
pub struct Format {
    name: String,
    fields: Vec<FieldRule>,
    rows: RowSpec,
}

/// How to turn fields into a row: one variant for each [`RowKind`].
#[derive(Debug)]
enum RowSpec {
    Chat(MessageSource),
    Segments(SegmentsSpec),
    Answers(AnswersSpec),
    Tokens,
    Text,
}

/// Where the messages of a row come from.
#[derive(Debug)]
enum MessageSource {
    /// A field holds them.
    Mapped(MessageMapping),
    /// They are built from fields.
    Built(MessageBuilder),
}

/// A text of the format itself, in Jinja: `{% generation %}` encloses its trained parts.
#[derive(Debug)]
struct SegmentsSpec {
    text: String,
    /// The messages that the text prints, if any.
    messages: Option<MessageSource>,
    steps: Option<StepsSpec>,
}

/// Labels of a process reward model: one for each trained span of the text, on its last token.
#[derive(Debug)]
struct StepsSpec {
    /// The field that lists the labels: 0 and 1, or false and true.
    labels: String,
    /// Whether only the last step is labeled.
    last_only: bool,
}

impl Format {
    /// The name of the format.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of its rows.
    pub fn kind(&self) -> RowKind {
        match self.rows {
            RowSpec::Chat(_) => RowKind::Chat,
            RowSpec::Segments(_) => RowKind::Segments,
            RowSpec::Answers(_) => RowKind::Answers,
            RowSpec::Tokens => RowKind::Tokens,
            RowSpec::Text => RowKind::Text,
        }
    }

    /// Whether the model's chat template renders its rows.
    pub fn needs_template(&self) -> bool {
        match &self.rows {
            RowSpec::Chat(_) => true,
            RowSpec::Answers(answers) => answers.needs_template(),
            RowSpec::Segments(_) | RowSpec::Tokens | RowSpec::Text => false,
        }
    }

    /// The format's own text, for rows of the kind `Segments`.
    pub fn text(&self) -> Option<&str> {
        match &self.rows {
            RowSpec::Segments(segments) => Some(&segments.text),
            _ => None,
        }
    }

    /// Whether the format's own text prints messages.
    pub fn text_has_messages(&self) -> bool {
        matches!(&self.rows, RowSpec::Segments(SegmentsSpec { messages: Some(_), .. }))
    }

    /// Whether only the last step of a row is labeled, for formats with step labels.
    pub fn labels_last_step_only(&self) -> bool {
        matches!(&self.rows, RowSpec::Segments(SegmentsSpec { steps: Some(StepsSpec { last_only: true, .. }), .. }))
    }

    /// Where rows have prompt and answers, for rows of the kind `Answers`.
    pub fn answers(&self) -> Option<&AnswersSpec> {
        match &self.rows {
            RowSpec::Answers(answers) => Some(answers),
            _ => None,
        }
    }

    fn message_source(&self) -> Option<&MessageSource> {
        match &self.rows {
            RowSpec::Chat(source) => Some(source),
            RowSpec::Segments(segments) => segments.messages.as_ref(),
            _ => None,
        }
    }

    /// The columns that the format reads; some may be optional.
    pub fn columns(&self) -> Vec<&str> {
        let of_messages: Vec<&str> = match self.message_source() {
            None => Vec::new(),
            Some(MessageSource::Mapped(mapping)) => mapping.columns().collect(),
            Some(MessageSource::Built(builder)) => builder.context_columns().collect(),
        };
        let of_answers = self.answers().map(AnswersSpec::columns).into_iter().flatten();
        let others = of_messages.into_iter().chain(of_answers);
        let mut columns: Vec<&str> = Vec::new();
        for name in self.fields.iter().flat_map(FieldRule::columns).chain(others) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }

    /// Checks that a batch has the columns that every row needs.
    pub(super) fn check_columns(&self, batch: &RecordBatch) -> Result<()> {
        let has = |name: &str| batch.schema_ref().column_with_name(name).is_some();
        let lacks = |rule: &&FieldRule| !rule.optional && !rule.columns().any(has);
        let fields = self.fields.iter().filter(lacks).map(FieldRule::describe);
        let missing: Vec<String> = match (self.message_source(), &self.rows) {
            (Some(MessageSource::Mapped(mapping)), _) if !mapping.fields.iter().any(|name| has(name)) => {
                vec![mapping.describe()]
            }
            (_, RowSpec::Answers(answers)) => {
                let answers = answers.required().filter(|name| !has(name)).map(|name| format!("`{name}`"));
                answers.chain(fields).collect()
            }
            _ => fields.collect(),
        };
        if missing.is_empty() {
            return Ok(());
        }
        let (missing, known) = (missing.join(", "), columns_of(batch));
        let text = format!("the format `{}` needs the column {missing}; the batch has {known}", self.name);
        Err(Error::new(ErrorKind::Batch, text))
    }

    /// Reads a row from its fields.
    ///
    /// # Errors
    ///
    /// Fails if a field is missing or has the wrong type; the error names the field or the message.
    pub fn read<'a>(&'a self, row: Fields<'a>) -> Result<Row<'a>> {
        let mut fields = FieldRule::values(&self.fields, &row)?;
        Ok(match &self.rows {
            RowSpec::Chat(source) => Row::Chat(self.conversation(source, &fields, row)?),
            RowSpec::Segments(segments) => {
                let step_labels = segments.steps.as_ref().map(|steps| steps.read(&fields)).transpose()?;
                let source = segments.messages.as_ref();
                let conversation = source.map(|source| self.conversation(source, &fields, row)).transpose()?;
                Row::Segments(SegmentsRow { fields, conversation, step_labels })
            }
            RowSpec::Answers(answers) => Row::Answers(answers.read(&fields, &row)?),
            RowSpec::Tokens => {
                let mut list = |name: &str| match fields.take(name) {
                    Some(Node::List(items)) if !items.is_empty() => Some(items),
                    _ => None,
                };
                let Some(input_ids) = list("input_ids") else {
                    let text = "the field `input_ids` is empty; it must have at least one token id";
                    return Err(Error::new(ErrorKind::EmptyField, text));
                };
                Row::Tokens(TokensRow { input_ids, labels: list("labels"), attention_mask: list("attention_mask") })
            }
            RowSpec::Text => match fields.take("text") {
                Some(Node::Str(text)) => Row::Text(TextRow { text }),
                _ => Row::Text(TextRow { text: "".into() }),
            },
        })
    }

    fn conversation<'a>(
        &'a self,
        source: &'a MessageSource,
        fields: &FieldValues<'a>,
        row: Fields<'a>,
    ) -> Result<Conversation<'a>> {
        match source {
            MessageSource::Mapped(mapping) => mapping.conversation(row),
            MessageSource::Built(builder) => {
                let conversation = Conversation::new(Node::List(builder.messages(fields)?))?;
                // An answer is empty if its field is empty, which the format may allow.
                let may_be_empty = self.fields.iter().any(|rule| rule.may_be_empty);
                let empty_answers = if may_be_empty { EmptyAnswers::Allowed } else { EmptyAnswers::Refused };
                ContentCheck { field: "content", empty_answers }.check(conversation.messages.iter())?;
                let conversation =
                    conversation.with_tools(builder.tools.as_deref().and_then(|name| field(&row, name).cloned()))?;
                Ok(conversation.with_variables(TemplateVariables::of_row(&row)?))
            }
        }
    }
}

impl StepsSpec {
    /// The label of each step of a row.
    fn read(&self, fields: &FieldValues<'_>) -> Result<Vec<i32>> {
        let Some(Node::List(labels)) = fields.get(&self.labels) else { return Ok(Vec::new()) };
        let label = |(index, value)| flag(value, &format!("{}[{index}]", self.labels)).map(i32::from);
        labels.iter().enumerate().map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;

    fn format(json: &str) -> Format {
        Format::from_json(json).unwrap()
    }

    fn row(json: &str) -> Fields<'_> {
        match parse_json(json.as_bytes()).unwrap() {
            Node::Map(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_are_built_from_fields() {
        let format = format(
            r#"{"name": "qa", "fields": [{"name": "q", "column": "question"}, {"name": "s", "optional": true}],
                "messages": [{"role": "system", "content": "{{ s }}", "optional": true},
                             {"role": "user", "content": "Q: {{ q }}"}]}"#,
        );
        assert_eq!((format.kind(), format.columns()), (RowKind::Chat, vec!["question", "s", "chat_template_kwargs"]));
        let chat = |json| match format.read(row(json)).unwrap() {
            Row::Chat(conversation) => conversation,
            other => panic!("{other:?}"),
        };
        let conversation = chat(r#"{"question": "why"}"#);
        assert_eq!(conversation.messages.len(), 1);
        assert_eq!(field(&conversation.messages[0], "content"), Some(&Node::Str("Q: why".into())));
        // Fields of the format are not variables of the chat template.
        assert!(conversation.variables.is_empty());
        assert_eq!(chat(r#"{"question": "why", "s": "S"}"#).role(0), "system");
        let kwargs = r#"{"question": "why", "chat_template_kwargs": {"enable_thinking": false}}"#;
        assert_eq!(chat(kwargs).variables.get("enable_thinking"), Some(&Node::Bool(false)));
        let error = format.read(row(r#"{"question": "why", "chat_template_kwargs": 3}"#)).unwrap_err();
        assert!(error.text.starts_with("`chat_template_kwargs` must be an object"), "{error}");
    }

    #[test]
    fn a_text_reads_fields_of_the_format() {
        let error = |content: &str| {
            let json = format!(
                r#"{{"name": "qa", "fields": [{{"name": "question"}}, {{"name": "list", "type": ["text"]}}],
                    "messages": [{{"role": "user", "content": "{content}"}},
                                 {{"each": "list", "messages": [{{"role": "user", "content": "{{{{ item }}}}"}}]}}]}}"#
            );
            Format::from_json(&json).map(|_| ()).map_err(|error| error.text)
        };
        assert_eq!(error("{% set q = question %}{{ q }}{{ range(2)|join }}"), Ok(()));
        let text = error("{{ qestion }}").unwrap_err();
        assert!(
            text.contains("reads `qestion`, which is not a field of the format; did you mean `question`?"),
            "{text}"
        );
        assert!(error("{{ item }}").unwrap_err().contains("reads `item`, which is not a field"));
    }

    #[test]
    fn errors_of_a_row_name_the_field() {
        let format = format(
            r#"{"name": "x", "text": "", "fields": [
                {"name": "output"}, {"name": "parts", "type": [{"label": "bool", "text": "text"}], "optional": true}]}"#,
        );
        for (json, kind, text) in [
            (
                r#"{"ouput": "O"}"#,
                ErrorKind::MissingField,
                "no field `output`; the row has `ouput`; did you mean `ouput`?",
            ),
            (r#"{"output": null}"#, ErrorKind::MissingField, "the field `output` is null; it must be a string"),
            (r#"{"output": 3}"#, ErrorKind::WrongType, "the field `output` must be a string, found an integer"),
            (r#"{"output": " \n"}"#, ErrorKind::EmptyField, "the field `output` is empty"),
            (
                r#"{"output": "O", "parts": [{"label": 1, "text": ""}]}"#,
                ErrorKind::WrongType,
                "the field `parts[0].label` must be true or false, found an integer",
            ),
            (
                r#"{"output": "O", "parts": [{"label": true}]}"#,
                ErrorKind::MissingField,
                "the field `parts[0]` has no `text`, which must be a string; it has `label`",
            ),
        ] {
            let error = format.read(row(json)).unwrap_err();
            assert_eq!(error.kind, kind, "{json}: {error}");
            assert!(error.text.starts_with(text), "{json}: {error}");
        }
    }
}
