//! A format as it is written down: a JSON object.

use serde::Deserialize;
use serde_json::Value;

use super::answers::{Parts, Prompt};
use super::fields::{FieldRule, Holds};
use super::made::{Made, Message, Part};
use super::mapping::Mapping;
use super::said::EmptyAnswers;
use super::{Answers, Format, Messages, Steps};
use crate::conversation::MESSAGE_COLUMNS;
use crate::error::{Error, Kind, Result};
use crate::template::ChatTemplate;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    fields: Vec<WrittenField>,
    messages: Option<WrittenMessages>,
    text: Option<String>,
    steps: Option<WrittenSteps>,
    #[serde(default)]
    tokens: bool,
    #[serde(default)]
    windows: bool,
    answers: Option<WrittenAnswers>,
    /// The field of tools, for messages that are made.
    tools: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswers {
    prompt: String,
    /// What each answer is called, and the field that holds it.
    names: Vec<(String, String)>,
    #[serde(default)]
    whole: bool,
    label: Option<(String, String)>,
    #[serde(default)]
    mapping: WrittenMapping,
    parts: Option<WrittenParts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenParts {
    prompt: WrittenPrompt,
    answers: Vec<String>,
    #[serde(default)]
    stop: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a prompt is a text, or a list of messages, each with role and content")]
enum WrittenPrompt {
    Text(String),
    Messages(Vec<WrittenMade>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenField {
    name: String,
    column: Option<String>,
    #[serde(default)]
    others: Vec<String>,
    #[serde(default, rename = "type")]
    holds: Option<Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    empty: bool,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "messages must be a list of messages, each with role and content, or an object that says \
                               in which fields they are, with lists of names for each role"
)]
enum WrittenMessages {
    Made(Vec<WrittenMade>),
    Field(Box<WrittenMapping>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a message has role, content and perhaps optional; or each and messages")]
enum WrittenMade {
    One(WrittenMessage),
    Each(WrittenEach),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEach {
    each: String,
    messages: Vec<WrittenMessage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    role: String,
    content: String,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenMapping {
    fields: Vec<String>,
    properties: Vec<(String, String)>,
    roles: Vec<(String, Vec<String>)>,
    keep_unknown_roles: bool,
    calls: Vec<String>,
    system: Option<String>,
    drop_system: bool,
    tools: String,
    empty_answers: EmptyAnswers,
}

impl Default for WrittenMapping {
    fn default() -> Self {
        WrittenMapping {
            fields: MESSAGE_COLUMNS.map(str::to_owned).to_vec(),
            properties: Vec::new(),
            roles: Vec::new(),
            keep_unknown_roles: true,
            calls: Vec::new(),
            system: None,
            drop_system: false,
            tools: "tools".to_owned(),
            empty_answers: EmptyAnswers::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSteps {
    labels: String,
    #[serde(default)]
    last_only: bool,
}

fn wrong(text: impl std::fmt::Display) -> Error {
    Error::new(Kind::Option, format!("format: {text}"))
}

impl Format {
    /// From a JSON object; `docs/formats.md` tells its keys.
    pub fn from_json(json: &str) -> Result<Format> {
        let written: Written = serde_json::from_str(json).map_err(wrong)?;
        let Written { name, fields, messages, text, steps, tokens: holds_tokens, windows: has_windows, answers, tools } =
            written;
        let fields: Vec<FieldRule> = fields.into_iter().map(field).collect::<Result<_>>()?;
        let messages = match messages {
            None if answers.is_some() && text.is_none() => {
                let answers = answers.map(|answers| read_answers(&name, answers, &fields)).transpose()?;
                Messages::Answers(answers.ok_or_else(|| wrong(&name))?)
            }
            _ if answers.is_some() => {
                return Err(wrong(format!("{name}: answers go with neither messages nor a text")));
            }
            None if text.is_none() => return Err(wrong(format!("{name} has neither messages nor a text"))),
            None => Messages::None,
            Some(WrittenMessages::Field(written)) => Messages::Field(mapping(*written)),
            Some(WrittenMessages::Made(written)) => Messages::Made(made(&name, written, tools, &fields)?),
        };
        let steps = steps.map(|steps| Steps { labels: steps.labels, last_only: steps.last_only });
        if let Some(steps) = &steps
            && !(matches!(messages, Messages::None) && fields.iter().any(|field| field.name == steps.labels))
        {
            let text = format!("{name}: steps need a field {} that lists their labels, and no messages", steps.labels);
            return Err(wrong(text));
        }
        if holds_tokens && !(matches!(messages, Messages::None) && fields.iter().any(|field| field.name == "input_ids"))
        {
            return Err(wrong(format!("{name}: rows of tokens need a field input_ids, and no messages")));
        }
        if has_windows && !(matches!(messages, Messages::None) && fields.iter().any(|field| field.name == "text")) {
            return Err(wrong(format!("{name}: windows need a field text, and no messages")));
        }
        Ok(Format { name, fields, messages, text, steps, holds_tokens, has_windows })
    }
}

fn read_answers(format: &str, written: WrittenAnswers, fields: &[FieldRule]) -> Result<Answers> {
    let WrittenAnswers { prompt, names, whole, label, mapping: written, parts } = written;
    if !(1..=2).contains(&names.len()) || whole && label.is_some() {
        return Err(wrong("answers have one name or two, and whole ones have no label"));
    }
    if parts.as_ref().is_some_and(|parts| whole || parts.answers.len() != names.len()) {
        return Err(wrong("parts have a text for each answer, and go with no whole ones"));
    }
    let (names, columns) = names.into_iter().unzip();
    let parts = parts.map(|written| read_parts(format, written, fields)).transpose()?;
    Ok(Answers { prompt, names, columns, whole, label, mapping: mapping(written), parts })
}

fn read_parts(format: &str, written: WrittenParts, fields: &[FieldRule]) -> Result<Parts> {
    let text = |what: &str, source: &str| ChatTemplate::new(&format!("of {what} of format {format}"), source, &[]);
    let prompt = match written.prompt {
        WrittenPrompt::Text(source) => Prompt::Text(Box::new(text("the prompt", &source)?), written.stop),
        WrittenPrompt::Messages(messages) => Prompt::Messages(made(format, messages, None, fields)?),
    };
    let answers = written.answers.iter().map(|source| text("an answer", source)).collect::<Result<_>>()?;
    Ok(Parts { prompt, answers })
}

fn field(written: WrittenField) -> Result<FieldRule> {
    let holds = match &written.holds {
        None => Holds::Text,
        Some(value) => holds(value)?,
    };
    let column = written.column.unwrap_or_else(|| written.name.clone());
    Ok(FieldRule {
        name: written.name,
        column,
        others: written.others,
        holds,
        optional: written.optional,
        may_be_empty: written.empty,
    })
}

/// What a value must be: a name, or a list of one such thing, or an object of them.
fn holds(value: &Value) -> Result<Holds> {
    match value {
        Value::String(name) => match name.as_str() {
            "text" => Ok(Holds::Text),
            "bool" => Ok(Holds::Bool),
            "number" => Ok(Holds::Number),
            "any" => Ok(Holds::Anything),
            other => Err(wrong(format!("unknown type {other:?}; there are text, bool, number, any"))),
        },
        Value::Array(items) if items.len() == 1 => Ok(Holds::List(Box::new(holds(&items[0])?))),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), holds(value)?)));
            Ok(Holds::Object(fields.collect::<Result<_>>()?))
        }
        _ => Err(wrong("a type is a name, a list of one type, or an object of types")),
    }
}

fn mapping(written: WrittenMapping) -> Mapping {
    let WrittenMapping {
        fields,
        mut properties,
        roles,
        keep_unknown_roles,
        calls,
        system,
        drop_system,
        tools,
        empty_answers,
    } = written;
    for name in ["role", "content"] {
        if !properties.iter().any(|(known, _)| known == name) {
            properties.push((name.to_owned(), name.to_owned()));
        }
    }
    Mapping {
        fields,
        properties,
        roles,
        keeps_unknown_roles: keep_unknown_roles,
        calls,
        system,
        drops_system: drop_system,
        tools,
        empty_answers,
    }
}

fn made(format: &str, written: Vec<WrittenMade>, tools: Option<String>, fields: &[FieldRule]) -> Result<Made> {
    let message = |written: WrittenMessage| {
        let content = ChatTemplate::new(&format!("of a message of format {format}"), &written.content, &[])?;
        Ok(Message { role: written.role, content, optional: written.optional })
    };
    let part = |written: WrittenMade| match written {
        WrittenMade::One(written) => Ok(Part { each: None, messages: vec![message(written)?] }),
        WrittenMade::Each(WrittenEach { each, .. }) if !fields.iter().any(|rule| rule.name == each) => {
            Err(wrong(format!("{format}: there is no field {each} for messages of each of its items")))
        }
        WrittenMade::Each(WrittenEach { each, messages }) => {
            Ok(Part { each: Some(each), messages: messages.into_iter().map(message).collect::<Result<_>>()? })
        }
    };
    Ok(Made { parts: written.into_iter().map(part).collect::<Result<_>>()?, tools })
}
