//! `continue_final_message`: a text that ends inside its last message, so that a model continues the message.
//!
//! As in transformers: add a tag to the message, render, and cut the text at the tag.

use std::borrow::Cow;

use super::{ChatTemplate, Request};
use crate::data::{Fields, Node};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::REASONING_FIELDS;
use chatjinja::is_space;

const TAG: &str = "CONTINUE_FINAL_MESSAGE_TAG ";

impl ChatTemplate {
    /// The text up to the end of `field` of the last message.
    pub fn continued(&self, request: Request<'_, '_>, field: &str) -> Result<String> {
        if request.add_generation_prompt {
            return Err(cannot_continue(
                "`continue_final_message` and `add_generation_prompt` exclude each other: the text ends in the last \
                message or with the prompt for the next one; set only one of them",
            ));
        }
        let template = self.for_row(request.conversation);
        let mut conversation = request.conversation.clone();
        let Some(last) = conversation.messages.last_mut() else {
            return Err(cannot_continue(
                "`continue_final_message` is set, but the conversation is empty; add a message",
            ));
        };
        let text = add_tag(last, field, template.source())?;
        let rendered = template.text(Request { conversation: &conversation, ..request })?;
        let lost = || {
            let text = "`continue_final_message` is set, but the chat template drops or changes a part of the last \
            message; use another template or leave the option out";
            Error::new(ErrorKind::TemplateFailed, text).at_message(request.conversation.messages.len() - 1)
        };
        if !rendered.contains(text.trim_matches(is_space)) {
            return Err(lost());
        }
        let at = rendered.rfind(TAG.trim_end()).ok_or_else(lost)?;
        // If the space of the tag is missing, the template trims texts. Then trim the white space before the tag too.
        let kept = &rendered[..at];
        let kept = if rendered[at..].starts_with(TAG) { kept } else { kept.trim_end_matches(is_space) };
        Ok(kept.to_owned())
    }
}

/// Adds the tag to `field` of a message, and returns the text of the field without it.
fn add_tag(message: &mut Fields<'_>, field: &str, source: &str) -> Result<String> {
    let value = |message: &Fields<'_>, name: &str| {
        message.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone().into_owned())
    };
    let Some(wanted) = value(message, field).filter(|value| *value != Node::Null) else {
        return Err(cannot_continue(format!(
            "`continue_final_message` is set, but the last message has no `{field}`; add text to continue"
        )));
    };
    // A reasoning is stored in several fields. Add the tag to all copies of it.
    let fields: Vec<&str> = match REASONING_FIELDS.contains(&field) {
        true => REASONING_FIELDS.into_iter().filter(|name| value(message, name).as_ref() == Some(&wanted)).collect(),
        false => vec![field],
    };
    if !fields.iter().any(|name| source.contains(name)) {
        return Err(cannot_continue(format!(
            "`continue_final_message` is {field:?}, a field that the chat template does not read; name another field"
        )));
    }
    match wanted {
        Node::Str(text) => {
            for (name, value) in message.iter_mut() {
                if let (true, Node::Str(text)) = (fields.contains(&name.as_ref()), value) {
                    *text = Cow::Owned(format!("{text}{TAG}"));
                }
            }
            Ok(text.into_owned())
        }
        Node::List(_) => {
            let parts = message.iter_mut().find_map(|(name, value)| match value {
                Node::List(parts) if name == field => Some(parts),
                _ => None,
            });
            let texts = parts.into_iter().flatten().rev().filter_map(|part| match part {
                Node::Map(fields) => fields.iter_mut().find(|(name, _)| name == "text"),
                _ => None,
            });
            for (_, value) in texts {
                if let Node::Str(text) = value {
                    let before = text.to_string();
                    *text = Cow::Owned(format!("{before}{TAG}"));
                    return Ok(before);
                }
            }
            Err(cannot_continue(
                "`continue_final_message` is set, but the last message has no text; add text to continue",
            ))
        }
        _ => {
            let text = format!(
                "`continue_final_message` is {field:?}, but this field of the last message is not a string; name a \
                 field with text"
            );
            Err(cannot_continue(text))
        }
    }
}

/// The error for a message that cannot be continued.
fn cannot_continue(text: impl Into<String>) -> Error {
    Error::wrong_type(text)
}
