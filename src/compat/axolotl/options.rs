//! `AxolotlOptions`: the options of axolotl that affect labels, of a dataset in its config and of the top level.

use std::collections::BTreeMap;

use crate::choice::Choice;
use crate::error::{Error, Result};
use crate::label::json_fields::{JsonFields, options_error};
use crate::names;
use crate::rows::MESSAGE_FIELDS;

/// Which of the tokens that end turns are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainStops {
    /// Those of all turns.
    All,
    /// Those of trained turns.
    Turn,
    /// The last one that was found.
    Last,
    /// None.
    None,
}

impl Choice for TrainStops {
    const OPTION: &'static str = "train_on_eos";
    const NAMES: &'static [(&'static str, Self)] =
        &[("all", TrainStops::All), ("turn", TrainStops::Turn), ("last", TrainStops::Last), ("none", TrainStops::None)];
}

/// The options of axolotl that affect labels, by its own names.
#[derive(Debug, Clone, PartialEq)]
pub struct AxolotlOptions {
    /// The trained roles. If it is empty and nothing else is set, only the last turn is trained.
    pub(super) roles_to_train: Vec<String>,
    pub(super) train_on_eos: TrainStops,
    pub(super) train_on_eot: Option<TrainStops>,
    pub(super) train_on_inputs: bool,
    pub(super) eot_tokens: Option<Vec<String>>,
    pub(super) message_field_training: Option<String>,
    pub(super) message_field_training_detail: Option<String>,
    pub(super) split_thinking: bool,
    pub(super) drop_system_message: bool,
    /// By role: the names in the rows that stand for it.
    roles: Option<BTreeMap<String, Vec<String>>>,
    field_messages: Option<String>,
    message_property_mappings: Option<BTreeMap<String, String>>,
}

impl AxolotlOptions {
    /// The names of all options.
    const NAMES: [&str; 12] = [
        "roles_to_train",
        "train_on_eos",
        "train_on_eot",
        "train_on_inputs",
        "eot_tokens",
        "message_field_training",
        "message_field_training_detail",
        "split_thinking",
        "drop_system_message",
        "roles",
        "field_messages",
        "message_property_mappings",
    ];

    /// Reads the options. An option that is null is off, which for `roles_to_train` and `train_on_eos` is not the
    /// default.
    pub(in crate::compat) fn read(mut options: JsonFields) -> Result<AxolotlOptions> {
        let read = AxolotlOptions {
            roles_to_train: match options.take::<Option<Vec<String>>>("roles_to_train")? {
                None => vec!["assistant".to_owned()],
                Some(roles) => roles.unwrap_or_default(),
            },
            train_on_eos: match options.take_choice("train_on_eos")? {
                None => TrainStops::Turn,
                Some(stops) => stops.unwrap_or(TrainStops::None),
            },
            train_on_eot: options.take_choice("train_on_eot")?.flatten(),
            train_on_inputs: options.take_or::<Option<bool>>("train_on_inputs", None)?.unwrap_or(false),
            eot_tokens: options.take_or("eot_tokens", None)?,
            message_field_training: options.take_or("message_field_training", None)?,
            message_field_training_detail: options.take_or("message_field_training_detail", None)?,
            split_thinking: options.take_or::<Option<bool>>("split_thinking", None)?.unwrap_or(false),
            drop_system_message: options.take_or::<Option<bool>>("drop_system_message", None)?.unwrap_or(false),
            roles: options.take_or("roles", None)?,
            field_messages: options.take_or("field_messages", None)?,
            message_property_mappings: options.take_or("message_property_mappings", None)?,
        };
        options.finish(AxolotlOptions::NAMES)?;
        Ok(read)
    }

    /// The role that a name in a row stands for.
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

    /// Whether no option selects turns. axolotl then trains the last turn without a search for its place.
    pub(super) fn trains_last_turn_only(&self) -> bool {
        self.roles_to_train.is_empty()
            && self.train_on_eos == TrainStops::None
            && self.train_on_eot.is_none_or(|stops| stops == TrainStops::None)
            && self.message_field_training.is_none()
            && self.message_field_training_detail.is_none()
    }

    /// Checks the options that name fields. Rows are read before labels are made, so other names cannot be supported
    /// here.
    pub(super) fn check_fields(&self) -> Result<()> {
        if let Some(name) = self.field_messages.as_deref().filter(|name| !MESSAGE_FIELDS.contains(name)) {
            let known = names::list(MESSAGE_FIELDS);
            return Err(invalid(format!(
                "`field_messages` is {name:?}, but chatmill reads messages from {known}; rename the fields of the rows"
            )));
        }
        for (property, field) in self.message_property_mappings.iter().flatten() {
            let same = property == field;
            if !same && !matches!((property.as_str(), field.as_str()), ("role", "from") | ("content", "value")) {
                return Err(invalid(format!(
                    "`message_property_mappings` has {property:?}: {field:?}, but chatmill reads `role` and `content`, or \
                     `from` and `value`; rename the fields of the rows"
                )));
            }
        }
        Ok(())
    }
}

/// An error in the options of axolotl.
pub(super) fn invalid(text: impl std::fmt::Display) -> Error {
    options_error("axolotl", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<AxolotlOptions> {
        let Ok(serde_json::Value::Object(options)) = serde_json::from_str(json) else { panic!("not an object") };
        AxolotlOptions::read(JsonFields::of_options("axolotl", options))
    }

    #[test]
    fn null_turns_an_option_off() {
        let defaults = read("{}").unwrap();
        assert_eq!((defaults.roles_to_train.len(), defaults.train_on_eos), (1, TrainStops::Turn));
        assert!(!defaults.trains_last_turn_only());
        let off = read(r#"{"roles_to_train": null, "train_on_eos": null, "split_thinking": null}"#).unwrap();
        assert!(off.trains_last_turn_only() && !off.split_thinking);
        assert_eq!(off, read(r#"{"roles_to_train": [], "train_on_eos": "none"}"#).unwrap());
    }

    #[test]
    fn every_option_is_read() {
        for name in AxolotlOptions::NAMES {
            assert!(read(&format!(r#"{{"{name}": null}}"#)).is_ok(), "{name}");
            assert!(read(&format!(r#"{{"{name}": 3}}"#)).is_err(), "{name}");
        }
    }

    #[test]
    fn fields_may_have_the_names_that_chatmill_reads() {
        let check = |json: &str| read(json).unwrap().check_fields();
        assert_eq!(check(r#"{"field_messages": "conversations"}"#), Ok(()));
        assert_eq!(check(r#"{"message_property_mappings": {"role": "from", "content": "value", "x": "x"}}"#), Ok(()));
        assert_eq!(
            check(r#"{"field_messages": "chat"}"#).unwrap_err().text,
            "labels: options of axolotl: `field_messages` is \"chat\", but chatmill reads messages from `messages`, \
             `conversations`; rename the fields of the rows"
        );
        assert_eq!(
            check(r#"{"message_property_mappings": {"role": "speaker"}}"#).unwrap_err().text,
            "labels: options of axolotl: `message_property_mappings` has \"role\": \"speaker\", but chatmill reads `role` \
             and `content`, or `from` and `value`; rename the fields of the rows"
        );
    }
}
