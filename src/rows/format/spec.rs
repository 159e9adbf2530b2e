//! The JSON form of a [`Format`]. The Python package makes it from the YAML files that `docs/formats.md` describes.

use serde::Deserialize;
use serde_json::Value;

use super::answers::AnswersSpec;
use super::builder::{MessageBuilder, MessageGroup, MessageText};
use super::built_answers::{AnswerTexts, PromptText};
use super::fields::{FieldRule, ValueType};
use super::mapping::MessageMapping;
use super::text::FormatText;
use super::{Format, MessageSource, RowSpec, SegmentsSpec, StepsSpec};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::content::EmptyAnswers;
use crate::rows::conversation::MESSAGE_FIELDS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatJson {
    name: String,
    #[serde(default)]
    fields: Vec<FieldJson>,
    messages: Option<MessagesJson>,
    text: Option<String>,
    steps: Option<StepsJson>,
    #[serde(default)]
    tokens: bool,
    #[serde(default)]
    windows: bool,
    answers: Option<AnswersJson>,
    /// The field of tools, for messages that are built.
    tools: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswersJson {
    prompt: Option<String>,
    /// Pairs (name of the answer in the output, field that holds it).
    names: Vec<(String, String)>,
    #[serde(default)]
    whole: bool,
    label: Option<(String, String)>,
    #[serde(default)]
    mapping: MappingJson,
    parts: Option<PartsJson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartsJson {
    prompt: PromptJson,
    answers: Vec<String>,
    #[serde(default)]
    stop: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a prompt must be a text, or a list of messages with `role` and `content`")]
enum PromptJson {
    Text(String),
    Messages(Vec<MessageJson>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldJson {
    name: String,
    column: Option<String>,
    #[serde(default)]
    others: Vec<String>,
    #[serde(default, rename = "type")]
    value_type: Option<Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    empty: bool,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`messages` must be a list of messages with `role` and `content`, or an object that names the fields \
                 that hold them"
)]
enum MessagesJson {
    Built(Vec<MessageJson>),
    Mapped(Box<MappingJson>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a message must have `role`, `content` and optionally `optional`; or `each` and `messages`"
)]
enum MessageJson {
    One(MessageTextJson),
    Each(EachJson),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EachJson {
    each: String,
    messages: Vec<MessageTextJson>,
    #[serde(default)]
    in_turn: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageTextJson {
    role: String,
    content: String,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MappingJson {
    fields: Vec<String>,
    completion: Option<String>,
    properties: Vec<(String, String)>,
    roles: Vec<(String, Vec<String>)>,
    keep_unknown_roles: bool,
    calls: Vec<String>,
    system: Option<String>,
    drop_system: bool,
    tools: String,
    empty_answers: EmptyAnswers,
}

impl Default for MappingJson {
    fn default() -> Self {
        MappingJson {
            fields: MESSAGE_FIELDS.map(str::to_owned).to_vec(),
            completion: None,
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
struct StepsJson {
    labels: String,
    #[serde(default)]
    last_only: bool,
}

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Option, format!("format {text}"))
}

impl Format {
    /// Reads a format from a JSON object.
    ///
    /// # Errors
    ///
    /// Fails if a key is unknown or a value has the wrong type, if the keys belong to different kinds of rows, or if a
    /// text does not compile.
    pub fn from_json(json: &str) -> Result<Format> {
        let spec: FormatJson = serde_json::from_str(json).map_err(|error| invalid(format!("is not valid: {error}")))?;
        let fields: Vec<FieldRule> =
            spec.fields.into_iter().map(|field| read_field(&spec.name, field)).collect::<Result<_>>()?;
        let name = spec.name;
        let needs = |field: &str, what: &str| match fields.iter().any(|rule| rule.name == field) {
            true => Ok(()),
            false => Err(invalid(format!("{name}: {what} need a field `{field}`"))),
        };
        let messages = match spec.messages {
            None => None,
            Some(MessagesJson::Mapped(mapping)) => Some(MessageSource::Mapped(read_mapping(*mapping))),
            Some(MessagesJson::Built(messages)) => {
                Some(MessageSource::Built(read_builder(&name, messages, spec.tools, &fields)?))
            }
        };
        let kinds = [spec.answers.is_some(), spec.tokens, spec.windows].into_iter().filter(|given| *given).count();
        if kinds > 1 || kinds == 1 && messages.is_some() {
            let text = format!("{name}: `messages`, `answers`, `tokens` and `windows` exclude each other; keep one");
            return Err(invalid(text));
        }
        if spec.steps.is_some() && (spec.text.is_none() || messages.is_some()) {
            return Err(invalid(format!("{name}: `steps` needs a `text` and cannot be combined with `messages`")));
        }
        let rows = match (spec.answers, messages, spec.text) {
            (Some(_), _, Some(_)) => {
                return Err(invalid(format!("{name}: `answers` and `text` exclude each other; keep one")));
            }
            (Some(answers), _, None) => RowSpec::Answers(read_answers(&name, answers, &fields)?),
            _ if spec.tokens => needs("input_ids", "rows of tokens").map(|()| RowSpec::Tokens)?,
            _ if spec.windows => needs("text", "windows").map(|()| RowSpec::Text)?,
            (None, messages, Some(text)) => {
                let steps = spec.steps.map(|steps| StepsSpec { labels: steps.labels, last_only: steps.last_only });
                if let Some(steps) = &steps {
                    needs(&steps.labels, "`steps`")?;
                }
                RowSpec::Segments(SegmentsSpec { text, messages, steps })
            }
            (None, Some(messages), None) => RowSpec::Chat(messages),
            (None, None, None) => {
                return Err(invalid(format!("{name} has neither `messages` nor a `text`; add one of them")));
            }
        };
        Ok(Format { name, fields, rows })
    }
}

fn read_answers(format: &str, spec: AnswersJson, fields: &[FieldRule]) -> Result<AnswersSpec> {
    let AnswersJson { prompt, names, whole, label, mapping, parts } = spec;
    if !(1..=2).contains(&names.len()) || whole && label.is_some() {
        return Err(invalid(format!("{format}: `answers` needs one or two `names`, and no `label` if it is `whole`")));
    }
    let has_text = |parts: &PartsJson| matches!(parts.prompt, PromptJson::Text(_));
    if parts.as_ref().is_some_and(|parts| whole && has_text(parts) || parts.answers.len() != names.len()) {
        return Err(invalid(format!(
            "{format}: `made` needs one text for each answer, and messages as the prompt if `whole` is set"
        )));
    }
    let (names, columns) = names.into_iter().unzip();
    let texts = parts.map(|parts| read_answer_texts(format, parts, fields)).transpose()?;
    Ok(AnswersSpec { prompt, names, columns, whole, label, mapping: read_mapping(mapping), texts })
}

fn read_answer_texts(format: &str, spec: PartsJson, fields: &[FieldRule]) -> Result<AnswerTexts> {
    let prompt = match spec.prompt {
        PromptJson::Text(source) => {
            let text = FormatText::new(&format!("the prompt of format {format}"), &source, fields, false)?;
            PromptText::Text(Box::new(text), spec.stop)
        }
        PromptJson::Messages(messages) => PromptText::Messages(read_builder(format, messages, None, fields)?),
    };
    let name = format!("an answer of format {format}");
    let answers =
        spec.answers.iter().map(|source| FormatText::new(&name, source, fields, false)).collect::<Result<_>>()?;
    Ok(AnswerTexts { prompt, answers })
}

fn read_field(format: &str, spec: FieldJson) -> Result<FieldRule> {
    let value_type = match &spec.value_type {
        None => ValueType::Text,
        Some(value) => read_type(format, value)?,
    };
    let column = spec.column.unwrap_or_else(|| spec.name.clone());
    let FieldJson { name, others, optional, empty, .. } = spec;
    Ok(FieldRule { name, column, others, value_type, optional, may_be_empty: empty })
}

/// A type: its name, a list of one type, or an object of types.
fn read_type(format: &str, value: &Value) -> Result<ValueType> {
    match value {
        Value::String(name) => match name.as_str() {
            "text" => Ok(ValueType::Text),
            "bool" => Ok(ValueType::Bool),
            "number" => Ok(ValueType::Number),
            "any" => Ok(ValueType::Any),
            other => Err(invalid(format!("{format}: unknown type {other:?}; use `text`, `bool`, `number` or `any`"))),
        },
        Value::Array(items) if items.len() == 1 => Ok(ValueType::List(Box::new(read_type(format, &items[0])?))),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), read_type(format, value)?)));
            Ok(ValueType::Object(fields.collect::<Result<_>>()?))
        }
        _ => Err(invalid(format!("{format}: a type must be a name, a list of one type, or an object of types"))),
    }
}

fn read_mapping(spec: MappingJson) -> MessageMapping {
    let MappingJson {
        fields,
        completion,
        mut properties,
        roles,
        keep_unknown_roles,
        calls,
        system,
        drop_system,
        tools,
        empty_answers,
    } = spec;
    for name in ["role", "content"] {
        if !properties.iter().any(|(known, _)| known == name) {
            properties.push((name.to_owned(), name.to_owned()));
        }
    }
    MessageMapping {
        fields,
        completion,
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

fn read_builder(
    format: &str,
    spec: Vec<MessageJson>,
    tools: Option<String>,
    fields: &[FieldRule],
) -> Result<MessageBuilder> {
    let message = |spec: MessageTextJson, in_list| {
        let content = FormatText::new(&format!("a message of format {format}"), &spec.content, fields, in_list)?;
        Ok(MessageText { role: spec.role, content, optional: spec.optional })
    };
    let group = |spec: MessageJson| match spec {
        MessageJson::One(spec) => {
            Ok(MessageGroup { each: None, messages: vec![message(spec, false)?], in_turn: false })
        }
        MessageJson::Each(EachJson { each, .. }) if !fields.iter().any(|rule| rule.name == each) => {
            Err(invalid(format!("{format}: `each` is `{each}`, which is no field of the format; add it to `fields`")))
        }
        MessageJson::Each(EachJson { each, messages, in_turn }) => Ok(MessageGroup {
            each: Some(each),
            messages: messages.into_iter().map(|spec| message(spec, true)).collect::<Result<_>>()?,
            in_turn,
        }),
    };
    Ok(MessageBuilder { groups: spec.into_iter().map(group).collect::<Result<_>>()?, tools })
}
