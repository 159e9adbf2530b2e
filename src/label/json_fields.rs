//! `JsonFields`: reads the fields of a JSON object one by one, with errors that name the field.

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::choice::Choice;
use crate::error::{Error, ErrorKind, Result};
use crate::names;

/// The place of labels in error texts.
const LABELS: &str = "labels";

/// The fields of a JSON object that were not read yet.
#[derive(Debug)]
pub(crate) struct JsonFields {
    /// The start of each error text, such as `labels`.
    place: String,
    /// The word for a field in error texts: `field` or `option`.
    noun: &'static str,
    fields: Map<String, Value>,
}

impl JsonFields {
    /// The fields of the JSON object `json`, which describes labels. A field that occurs twice is an error.
    pub(crate) fn parse(json: &str) -> Result<JsonFields> {
        match serde_json::from_str::<UniqueFields>(json) {
            Ok(fields) => Ok(JsonFields { place: LABELS.to_owned(), noun: "field", fields: fields.0 }),
            Err(error) => Err(labels_error(reason(&error))),
        }
    }

    /// The options of an emulated tool.
    pub(crate) fn of_options(tool: &str, fields: Map<String, Value>) -> JsonFields {
        JsonFields { place: options_of(tool), noun: "option", fields }
    }

    /// Removes the field `name` and reads its value. None if there is no such field.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.fields.remove(name) else { return Ok(None) };
        match serde_json::from_value(value) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(self.error(format!("`{name}` is invalid: {}", reason(&error)))),
        }
    }

    /// Removes the field `name` and reads its value. `default` if there is no such field.
    pub(crate) fn take_or<T: DeserializeOwned>(&mut self, name: &str, default: T) -> Result<T> {
        Ok(self.take(name)?.unwrap_or(default))
    }

    /// Removes the field `name`, which holds the name of a choice or null. None if there is no such field.
    pub(crate) fn take_choice<C: Choice>(&mut self, name: &str) -> Result<Option<Option<C>>> {
        let Some(given) = self.take::<Option<String>>(name)? else { return Ok(None) };
        let choice = given.map(|given| C::parse_option(name, &given)).transpose();
        choice.map(Some).map_err(|error| self.error(error.text))
    }

    /// Removes the field of a choice and reads its name. `default` if there is no such field.
    pub(crate) fn take_choice_or<C: Choice>(&mut self, default: C) -> Result<C> {
        let Some(name) = self.take::<String>(C::OPTION)? else { return Ok(default) };
        C::parse(&name).map_err(|error| self.error(error.text))
    }

    /// Checks that all fields were read. The error lists the `known` fields.
    pub(crate) fn finish<'n>(self, known: impl IntoIterator<Item = &'n str>) -> Result<()> {
        let Some(name) = self.fields.keys().next() else { return Ok(()) };
        Err(self.error(format!("unknown {} `{name}`; {}", self.noun, names::advice(name, known))))
    }

    /// An error with the place of these fields.
    pub(crate) fn error(&self, text: impl std::fmt::Display) -> Error {
        error_in(&self.place, text)
    }
}

/// The place of the options of an emulated tool in error texts.
fn options_of(tool: &str) -> String {
    format!("{LABELS}: options of {tool}")
}

/// An error in the fields of labels.
pub(crate) fn labels_error(text: impl std::fmt::Display) -> Error {
    error_in(LABELS, text)
}

/// An error in the options of an emulated tool.
pub(crate) fn options_error(tool: &str, text: impl std::fmt::Display) -> Error {
    error_in(&options_of(tool), text)
}

fn error_in(place: &str, text: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Option, format!("{place}: {text}"))
}

/// The text of an error of serde without the place in the JSON text, which the user did not write.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line").next().unwrap_or(&text).to_owned()
}

/// A JSON object in which no field occurs twice.
struct UniqueFields(Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueFields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = UniqueFields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> std::result::Result<UniqueFields, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = from.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(serde::de::Error::custom(format!("the field `{name}` occurs twice; keep one")));
                    }
                    fields.insert(name, value);
                }
                Ok(UniqueFields(fields))
            }
        }

        from.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T>(result: Result<T>) -> String {
        let error = result.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Option);
        error.text
    }

    #[test]
    fn errors_name_the_field() {
        let mut fields = JsonFields::parse(r#"{"a": "x", "bold": true}"#).unwrap();
        assert_eq!(fields.take::<u8>("none"), Ok(None));
        assert_eq!(fields.take_or("none", 7), Ok(7));
        assert_eq!(
            text(fields.take::<bool>("a")),
            "labels: `a` is invalid: invalid type: string \"x\", expected a boolean"
        );
        let known = ["a", "bald"];
        assert_eq!(
            text(fields.finish(known)),
            "labels: unknown field `bold`; did you mean `bald`? use one of `a`, `bald`"
        );
        let options = Map::from_iter([("a".to_owned(), Value::Null)]);
        let text = text(JsonFields::of_options("hf", options).finish([]));
        assert_eq!(text, "labels: options of hf: unknown option `a`; remove it");
    }

    #[test]
    fn only_an_object_without_duplicates_is_read() {
        let parse = |json: &str| text(JsonFields::parse(json));
        assert_eq!(parse(r#"{"a": 1, "a": 1}"#), "labels: the field `a` occurs twice; keep one");
        assert_eq!(parse("[]"), "labels: invalid type: sequence, expected an object");
        assert!(parse("{").starts_with("labels: EOF"));
    }
}
