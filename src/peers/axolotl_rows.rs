//! axolotl's options, and rows as it prepares them: keys of messages that it does not see the template read are left
//! out, arguments of calls are read as JSON, parts are joined.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};

use super::thinking;
use crate::conversation::{Fields, MESSAGE_COLUMNS, Node, field};
use crate::error::{Error, Kind, Result};

/// Which of the tokens that end turns are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainStops {
    /// Those of all turns.
    All,
    /// Those of trained turns.
    Turn,
    /// That of the last turn that was looked at.
    Last,
    /// None.
    None,
}

/// The options of a dataset in axolotl's config, and those of its top level that matter here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AxolotlOptions {
    /// Roles that are trained; empty, with no other choice made, for the last turn alone.
    #[serde(deserialize_with = "list_or_null")]
    pub(super) roles_to_train: Vec<String>,
    #[serde(deserialize_with = "stops_or_null")]
    pub(super) train_on_eos: TrainStops,
    pub(super) train_on_eot: Option<TrainStops>,
    #[serde(deserialize_with = "flag_or_null")]
    pub(super) train_on_inputs: bool,
    pub(super) eot_tokens: Option<Vec<String>>,
    message_field_training: Option<String>,
    message_field_training_detail: Option<String>,
    #[serde(deserialize_with = "flag_or_null")]
    split_thinking: bool,
    #[serde(deserialize_with = "flag_or_null")]
    pub(super) drop_system_message: bool,
    /// Target roles to the names that stand for them.
    roles: Option<BTreeMap<String, Vec<String>>>,
    field_messages: Option<String>,
    message_property_mappings: Option<BTreeMap<String, String>>,
}

fn list_or_null<'d, D: Deserializer<'d>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn stops_or_null<'d, D: Deserializer<'d>>(from: D) -> std::result::Result<TrainStops, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(TrainStops::None))
}

fn flag_or_null<'d, D: Deserializer<'d>>(from: D) -> std::result::Result<bool, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(false))
}

impl Default for AxolotlOptions {
    fn default() -> Self {
        AxolotlOptions {
            roles_to_train: vec!["assistant".to_owned()],
            train_on_eos: TrainStops::Turn,
            train_on_eot: None,
            train_on_inputs: false,
            eot_tokens: None,
            message_field_training: None,
            message_field_training_detail: None,
            split_thinking: false,
            drop_system_message: false,
            roles: None,
            field_messages: None,
            message_property_mappings: None,
        }
    }
}

/// One message as axolotl has it.
pub(super) struct Turn {
    pub(super) fields: Fields<'static>,
    pub(super) training: Option<bool>,
    /// Characters of the content, first and last, and whether they are trained.
    pub(super) detail: Option<Vec<(usize, usize, bool)>>,
}

impl Turn {
    pub(super) fn role(&self) -> &str {
        field(&self.fields, "role").and_then(Node::as_str).unwrap_or("")
    }
}

impl AxolotlOptions {
    pub(super) fn role<'r>(&'r self, name: &'r str) -> &'r str {
        match &self.roles {
            Some(roles) => {
                let target = roles.iter().find(|(_, sources)| sources.iter().any(|source| source == name));
                target.map_or(name, |(target, _)| target)
            }
            None => match name {
                "human" => "user",
                "gpt" => "assistant",
                name => name,
            },
        }
    }

    /// Whether nothing was chosen, so that the last turn is trained without a look for its place.
    pub(super) fn is_legacy(&self) -> bool {
        self.roles_to_train.is_empty()
            && self.train_on_eos == TrainStops::None
            && self.train_on_eot.is_none_or(|stops| stops == TrainStops::None)
            && self.message_field_training.is_none()
            && self.message_field_training_detail.is_none()
    }

    pub(super) fn turn(&self, message: &Fields<'_>, keys: &BTreeSet<String>) -> Result<Turn> {
        let mut turn = Turn { fields: Vec::new(), training: None, detail: None };
        for (name, value) in message {
            if without_nulls(value) == Node::Null {
                continue;
            }
            let known = matches!(name.as_ref(), "role" | "content" | "reasoning_content" | "thinking");
            if Some(name.as_ref()) == self.message_field_training.as_deref() {
                turn.training = Some(is_true(value));
            } else if Some(name.as_ref()) == self.message_field_training_detail.as_deref() {
                turn.detail = Some(detail(value)?);
            }
            if known || keys.contains(name.as_ref()) {
                turn.fields.push((Cow::Owned(name.clone().into_owned()), without_nulls(value)));
            }
        }
        let role = turn.role().to_owned();
        let mut thought = None;
        for (name, value) in &mut turn.fields {
            match name.as_ref() {
                "role" => *value = Node::Str(Cow::Owned(self.role(&role).to_owned())),
                "content" => {
                    if let Node::List(parts) = value {
                        let (text, detail) = joined(parts)?;
                        turn.detail = turn.detail.take().or(detail);
                        *value = Node::Str(Cow::Owned(text));
                    }
                    if self.split_thinking
                        && self.role(&role) == "assistant"
                        && let Some((reasoning, answer)) = value.as_str().and_then(thinking::split)
                    {
                        thought = Some(reasoning);
                        *value = Node::Str(Cow::Owned(answer));
                    }
                }
                "tool_calls" => read_arguments(value)?,
                _ => {}
            }
        }
        if let Some(thought) = thought {
            turn.fields.retain(|(name, _)| name != "reasoning_content" && name != "thinking");
            turn.fields.push((Cow::Borrowed("reasoning_content"), Node::Str(Cow::Owned(thought.clone()))));
            turn.fields.push((Cow::Borrowed("thinking"), Node::Str(Cow::Owned(thought))));
        }
        Ok(turn)
    }
}

fn is_true(value: &Node<'_>) -> bool {
    match value {
        Node::Null => false,
        Node::Bool(value) => *value,
        Node::Int(value) => *value != 0,
        Node::Float(value) => *value != 0.0,
        Node::Str(text) => !text.is_empty(),
        Node::List(items) => !items.is_empty(),
        Node::Map(fields) => !fields.is_empty(),
        Node::BigInt(_) => true,
    }
}

/// The value without the nulls inside it.
fn without_nulls(value: &Node<'_>) -> Node<'static> {
    match value {
        Node::List(items) => Node::List(items.iter().map(without_nulls).filter(|item| *item != Node::Null).collect()),
        Node::Map(fields) => {
            let fields =
                fields.iter().map(|(name, value)| (Cow::Owned(name.clone().into_owned()), without_nulls(value)));
            Node::Map(fields.filter(|(_, value)| *value != Node::Null).collect())
        }
        other => other.clone().into_owned(),
    }
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(Kind::WrongType, text)
}

fn detail(value: &Node<'_>) -> Result<Vec<(usize, usize, bool)>> {
    let Node::List(items) = value else { return Err(wrong("train_detail must be a list")) };
    let range = |item: &Node<'_>| {
        let Node::Map(fields) = item else { return None };
        let number = |name: &str| match field(fields, name) {
            Some(Node::Int(number)) => usize::try_from(*number).ok(),
            _ => None,
        };
        Some((number("begin_offset")?, number("end_offset")?, field(fields, "train").is_some_and(is_true)))
    };
    let ranges: Option<Vec<_>> = items.iter().map(range).collect();
    ranges.ok_or_else(|| wrong("an entry of train_detail is {begin_offset, end_offset, train}"))
}

type Joined = (String, Option<Vec<(usize, usize, bool)>>);

/// The text of all parts, and their ranges if one of them says whether it is trained.
fn joined(parts: &[Node<'_>]) -> Result<Joined> {
    let (mut text, mut ranges, mut flagged) = (String::new(), Vec::new(), false);
    let mut length = 0;
    for part in parts {
        let Node::Map(fields) = part else {
            let part = part.as_str().ok_or_else(|| wrong("a part of a content must be an object or a string"))?;
            text.push_str(part);
            length += part.chars().count();
            continue;
        };
        let own = ["text", "content", "value"].into_iter().find_map(|name| field(fields, name)).and_then(Node::as_str);
        let own = own.unwrap_or("");
        let flag = ["train", "weight"].into_iter().find_map(|name| field(fields, name));
        flagged |= flag.is_some();
        let count = own.chars().count();
        if count > 0 {
            ranges.push((length, length + count - 1, flag.is_none_or(is_true)));
        }
        text.push_str(own);
        length += count;
    }
    Ok((text, flagged.then_some(ranges)))
}

/// Arguments of calls that are JSON text become what they say.
fn read_arguments(calls: &mut Node<'static>) -> Result<()> {
    let Node::List(calls) = calls else { return Ok(()) };
    for call in calls {
        let Node::Map(call) = call else { continue };
        let Some((_, Node::Map(function))) = call.iter_mut().find(|(name, _)| name == "function") else { continue };
        if let Some((_, arguments)) = function.iter_mut().find(|(name, _)| name == "arguments")
            && let Some(text) = arguments.as_str()
        {
            *arguments = Node::parse_json(text.as_bytes())
                .map_err(|error| {
                    Error::new(error.kind, format!("the arguments of a call are no JSON: {}", error.text))
                })?
                .into_owned();
        }
    }
    Ok(())
}

/// Rows are read before labels are made, so names of fields can only be confirmed here.
pub(super) fn check_fields(options: &AxolotlOptions) -> Result<()> {
    let wrong = |option: &str, value: &str| {
        let text = format!(
            "labels: {option} is {value}, and chatmill reads messages or conversations with role and content, or from and \
             value; rename the fields of the rows"
        );
        Err(Error::new(Kind::Option, text))
    };
    if let Some(name) = options.field_messages.as_deref().filter(|name| !MESSAGE_COLUMNS.contains(name)) {
        return wrong("field_messages", name);
    }
    for (property, field) in options.message_property_mappings.iter().flatten() {
        let same = property == field;
        if !same && !matches!((property.as_str(), field.as_str()), ("role", "from") | ("content", "value")) {
            return wrong("message_property_mappings", &format!("{property}: {field}"));
        }
    }
    Ok(())
}
