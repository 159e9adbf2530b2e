//! `Format`: what the rows of a data set look like, and what conversation or text they stand for.
//!
//! A format is data: which fields a row has to have, how they become messages, and, where the format has a prompt text
//! of its own, that text. It is a Jinja source over the fields, in which `{% generation %}` encloses what is trained.
//!
//! ```text
//! row ── fields ──► checked values ── messages ──► Conversation ──► the model's chat template, or the format's text
//! ```

mod answers;
mod fields;
mod made;
mod mapping;
mod rows;
mod said;
mod tokens;
mod written;

pub use answers::{Answers, Sides};
pub use rows::FormattedRows;
pub(crate) use said::has_empty_answer;
pub(crate) use tokens::read_tokens;

use std::borrow::Cow;

use crate::conversation::{Conversation, Fields, Node, field};
use crate::error::{Error, Kind, Result};
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use fields::FieldRule;
use made::Made;
use mapping::Mapping;
use said::{EmptyAnswers, Said};

/// What the rows of a data set look like. From JSON by [`Format::from_json`].
#[derive(Debug)]
pub struct Format {
    name: String,
    fields: Vec<FieldRule>,
    messages: Messages,
    text: Option<String>,
    steps: Option<Steps>,
    holds_tokens: bool,
    has_windows: bool,
}

/// Where the messages of a row come from.
#[derive(Debug)]
enum Messages {
    /// There are none: the text of the format prints the fields.
    None,
    /// A field holds them.
    Field(Mapping),
    /// They are made from the fields.
    Made(Made),
    /// The row has a prompt and answers.
    Answers(Answers),
}

/// Labels of a process reward model: one for each trained stretch of the text, on its last token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// The field that lists the labels: 0 and 1, or false and true.
    pub labels: String,
    /// Whether only the last step has a label.
    pub last_only: bool,
}

impl Format {
    /// What the format is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the format has a text of its own, and needs no chat template.
    pub fn has_text(&self) -> bool {
        self.own_text().is_some()
    }

    fn own_text(&self) -> Option<&str> {
        self.text.as_deref().or_else(|| self.answers()?.prompt_text())
    }

    /// Whether its rows have no messages: only the text tells what is trained.
    pub fn is_text_alone(&self) -> bool {
        matches!(self.messages, Messages::None | Messages::Answers(_))
    }

    /// Prompt and answers, where rows have these.
    pub fn answers(&self) -> Option<&Answers> {
        match &self.messages {
            Messages::Answers(answers) => Some(answers),
            _ => None,
        }
    }

    /// Whether its rows hold tokens already, in `input_ids`, and perhaps `labels` and `attention_mask`.
    pub fn holds_tokens(&self) -> bool {
        self.holds_tokens
    }

    /// Whether a row is a text that becomes windows of tokens.
    pub fn has_windows(&self) -> bool {
        self.has_windows
    }

    /// Labels of steps, where rows have them.
    pub fn steps(&self) -> Option<&Steps> {
        self.steps.as_ref()
    }

    /// The text of the format as a template. In it `bos_token` is what the tokenizer itself puts before a text.
    pub fn template(&self, tokenizer: &Tokenizer) -> Result<Option<ChatTemplate>> {
        let Some(text) = self.own_text() else { return Ok(None) };
        let eos = tokenizer.special_token("eos_token");
        if eos.is_none() && text.contains("eos_token") {
            let why = format!(
                "the format {} ends answers with eos_token, and {} has none; give it one in special_tokens",
                self.name,
                tokenizer.name()
            );
            return Err(Error::new(Kind::Option, why));
        }
        let mut tokens = tokenizer.special_tokens().to_vec();
        tokens.retain(|(name, _)| name != "bos_token");
        tokens.push(("bos_token".to_owned(), tokenizer.prefix()));
        ChatTemplate::new(&format!("of format {}", self.name), text, &tokens).map(Some)
    }

    /// The columns that are read where rows are columns.
    fn columns(&self) -> impl Iterator<Item = &str> {
        let of_messages = match &self.messages {
            Messages::Field(mapping) => mapping.columns().collect(),
            Messages::Answers(answers) => answers::columns(answers),
            Messages::Made(made) => made.tools.as_deref().into_iter().collect(),
            Messages::None => Vec::new(),
        };
        self.fields.iter().flat_map(FieldRule::columns).chain(of_messages)
    }

    /// The conversation of a row.
    pub fn conversation<'a>(&self, row: &Fields<'a>) -> Result<Conversation<'a>> {
        let mut variables: Fields<'a> = Vec::with_capacity(self.fields.len());
        for rule in &self.fields {
            variables.push((Cow::Owned(rule.name.clone()), rule.value(row)?));
        }
        match &self.messages {
            Messages::None => Ok(bare(variables)),
            // The mill asks for prompt and answers when it has the row.
            Messages::Answers(answers) => {
                answers.is_good(row)?;
                let beside = row.iter().filter(|(name, _)| field(&variables, name).is_none()).cloned().collect();
                variables = [variables, beside].concat();
                Ok(bare(variables))
            }
            Messages::Field(mapping) => {
                let mut conversation = mapping.conversation(row)?;
                conversation.variables.extend(variables);
                Ok(conversation)
            }
            Messages::Made(made) => {
                let fields = bare(variables);
                let conversation = Conversation::new(Node::List(made.messages(&fields)?))?;
                // An answer is blank where the field is that it is made from, and that may be.
                let may_be_empty = self.fields.iter().any(|rule| rule.may_be_empty);
                let empty_answers = if may_be_empty { EmptyAnswers::Allowed } else { EmptyAnswers::Refused };
                Said { content: "content", empty_answers }.check(conversation.messages.iter())?;
                let given = |name: &str| field(row, name).cloned();
                let conversation = conversation.with_tools(made.tools.as_deref().and_then(given))?;
                Ok(Conversation { variables: fields.variables, ..conversation })
            }
        }
    }
}

/// Fields without messages.
fn bare(variables: Fields<'_>) -> Conversation<'_> {
    Conversation {
        messages: Vec::new(),
        tools: None,
        documents: None,
        variables,
        is_sharegpt: false,
        shares_strings: false,
    }
}

impl Steps {
    /// The label of each step of a row.
    pub fn of(&self, conversation: &Conversation<'_>) -> Result<Vec<i32>> {
        let Some(Node::List(labels)) = field(&conversation.variables, &self.labels) else { return Ok(Vec::new()) };
        let label = |(index, node): (usize, &Node<'_>)| match node {
            Node::Bool(value) => Ok(i32::from(*value)),
            Node::Int(value @ 0..=1) => Ok(*value as i32),
            other => {
                let what = match other {
                    Node::Int(value) => value.to_string(),
                    other => other.type_name().to_owned(),
                };
                let text = format!("{}[{index}] must be true or false, or 1 or 0, found {what}", self.labels);
                Err(Error::new(Kind::WrongType, text))
            }
        };
        labels.iter().enumerate().map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(json: &str) -> Format {
        Format::from_json(json).unwrap()
    }

    fn row(json: &str) -> Fields<'_> {
        match Node::parse_json(json.as_bytes()).unwrap() {
            Node::Map(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_are_made_from_fields() {
        let format = format(
            r#"{"name": "qa", "fields": [{"name": "q", "column": "question"}, {"name": "s", "optional": true}],
                "messages": [{"role": "system", "content": "{{ s }}", "optional": true},
                             {"role": "user", "content": "Q: {{ q }}"}]}"#,
        );
        let conversation = format.conversation(&row(r#"{"question": "why"}"#)).unwrap();
        assert_eq!(conversation.messages.len(), 1);
        assert_eq!(field(&conversation.messages[0], "content"), Some(&Node::Str("Q: why".into())));
        assert_eq!(format.conversation(&row(r#"{"question": "why", "s": "S"}"#)).unwrap().role(0), "system");
    }

    #[test]
    fn faults_of_a_row_name_the_field() {
        let format = format(
            r#"{"name": "x", "text": "", "fields": [
                {"name": "output"}, {"name": "parts", "type": [{"label": "bool", "text": "text"}], "optional": true}]}"#,
        );
        for (json, kind, text) in [
            (r#"{"ouput": "O"}"#, Kind::MissingField, "no field output: the row has ouput; is ouput meant?"),
            (r#"{"output": null}"#, Kind::MissingField, "the field output is null: it must be a text"),
            (r#"{"output": 3}"#, Kind::WrongType, "the field output must be a text, found an integer"),
            (r#"{"output": " \n"}"#, Kind::EmptyField, "the field output is empty"),
            (
                r#"{"output": "O", "parts": [{"label": 1, "text": ""}]}"#,
                Kind::WrongType,
                "the field parts[0].label must be true or false, found an integer",
            ),
            (
                r#"{"output": "O", "parts": [{"label": true}]}"#,
                Kind::MissingField,
                "the field parts[0] has no text, which must be a text; it has label",
            ),
        ] {
            let error = format.conversation(&row(json)).unwrap_err();
            assert_eq!(error.kind, kind, "{json}: {error}");
            assert!(error.text.starts_with(text), "{json}: {error}");
        }
    }
}
