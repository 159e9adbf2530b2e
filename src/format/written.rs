//! A format as it is written down: a JSON object.

use serde::Deserialize;
use serde_json::Value;

use super::fields::{FieldRule, Holds};
use super::mapping::Mapping;
use super::{Answers, Format, Made, Messages, Steps};
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenField {
    name: String,
    column: Option<String>,
    #[serde(default, rename = "type")]
    holds: Option<Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    empty: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenMessages {
    Made(Vec<WrittenMade>),
    Field(Box<WrittenMapping>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMade {
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
    allow_empty: bool,
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
            allow_empty: false,
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
        let Written { name, fields, messages, text, steps, tokens: holds_tokens, windows: has_windows, answers } =
            written;
        let fields: Vec<FieldRule> = fields.into_iter().map(field).collect::<Result<_>>()?;
        let messages = match messages {
            None if answers.is_some() && text.is_none() => {
                Messages::Answers(answers.map(read_answers).transpose()?.ok_or_else(|| wrong(&name))?)
            }
            _ if answers.is_some() => {
                return Err(wrong(format!("{name}: answers go with neither messages nor a text")));
            }
            None if text.is_none() => return Err(wrong(format!("{name} has neither messages nor a text"))),
            None => Messages::None,
            Some(WrittenMessages::Field(written)) => Messages::Field(mapping(*written)),
            Some(WrittenMessages::Made(made)) => {
                let made = made.into_iter().map(|made| message(&name, made));
                Messages::Made(made.collect::<Result<_>>()?)
            }
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

fn read_answers(written: WrittenAnswers) -> Result<Answers> {
    let WrittenAnswers { prompt, names, whole, label, mapping: written } = written;
    if !(1..=2).contains(&names.len()) || whole && label.is_some() {
        return Err(wrong("answers have one name or two, and whole ones have no label"));
    }
    let (names, columns) = names.into_iter().unzip();
    Ok(Answers { prompt, names, columns, whole, label, mapping: mapping(written) })
}

fn field(written: WrittenField) -> Result<FieldRule> {
    let holds = match &written.holds {
        None => Holds::Text,
        Some(value) => holds(value)?,
    };
    let column = written.column.unwrap_or_else(|| written.name.clone());
    Ok(FieldRule { name: written.name, column, holds, optional: written.optional, may_be_empty: written.empty })
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
        allow_empty,
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
        may_be_empty: allow_empty,
    }
}

fn message(format: &str, written: WrittenMade) -> Result<Made> {
    let name = format!("of a message of format {format}");
    let content = ChatTemplate::new(&name, &written.content, &[])?;
    Ok(Made { role: written.role, content, optional: written.optional })
}
