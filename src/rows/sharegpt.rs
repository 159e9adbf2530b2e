//! ShareGPT turns (`from`, `value`) as messages.

use std::borrow::Cow;

use crate::data::{Fields, Node, field, parse_json, take_field, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::names::did_you_mean;

/// Speakers found in datasets, and their roles.
const SPEAKERS: [(&str, &str); 14] = [
    ("human", "user"),
    ("user", "user"),
    ("gpt", "assistant"),
    ("assistant", "assistant"),
    ("model", "assistant"),
    ("chatgpt", "assistant"),
    ("bing", "assistant"),
    ("bard", "assistant"),
    ("system", "system"),
    ("developer", "developer"),
    ("tool", "tool"),
    ("observation", "tool"),
    ("function_response", "tool"),
    ("function_call", "assistant"),
];

/// Whether the fields are those of a ShareGPT turn.
pub(super) fn is_turn(fields: &Fields<'_>) -> bool {
    field(fields, "from").is_some() && field(fields, "role").is_none()
}

/// The message of a ShareGPT turn. The value of a `function_call`, a call as JSON, becomes `tool_calls`.
pub(super) fn message(mut fields: Fields<'_>) -> Result<Fields<'_>> {
    let speaker = match take_field(&mut fields, "from") {
        Some(Node::Str(speaker)) => speaker,
        Some(other) => return Err(unexpected("`from`", "a string", &other)),
        None => Cow::Borrowed(""),
    };
    let Some((_, role)) = SPEAKERS.iter().find(|(name, _)| *name == speaker) else {
        let known: Vec<&str> = SPEAKERS.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(&speaker, known.iter().copied());
        let text = format!("unknown speaker {speaker:?} in `from`; use one of {}{hint}", known.join(", "));
        return Err(Error::new(ErrorKind::UnknownRole, text));
    };
    let value = take_field(&mut fields, "value");
    let mut message: Fields<'_> = vec![(Cow::Borrowed("role"), Node::Str(Cow::Borrowed(role)))];
    match value {
        Some(Node::Str(text)) if speaker == "function_call" => {
            message.push((Cow::Borrowed("tool_calls"), tool_calls(&text)?));
        }
        Some(value) => message.push((Cow::Borrowed("content"), value)),
        None => {}
    }
    message.append(&mut fields);
    Ok(message)
}

/// Parses tool calls from JSON text into the form of `tool_calls`.
pub(super) fn tool_calls(text: &str) -> Result<Node<'static>> {
    let calls = match parse_json(text.as_bytes()) {
        Ok(Node::List(calls)) => calls,
        Ok(call @ Node::Map(_)) => vec![call],
        Ok(other) => return Err(unexpected("the value of a `function_call`", "a JSON object", &other)),
        Err(error) => {
            let text = error.text;
            let text = format!("the value of a `function_call` must be a JSON object, found a string that is {text}");
            return Err(Error::wrong_type(text));
        }
    };
    let wrap = |call: Node<'_>| {
        Node::Map(vec![
            (Cow::Borrowed("type"), Node::Str(Cow::Borrowed("function"))),
            (Cow::Borrowed("function"), call.into_owned()),
        ])
    };
    Ok(Node::List(calls.into_iter().map(wrap).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::Conversation;
    use super::*;

    #[test]
    fn speakers_become_roles_and_calls_become_tool_calls() {
        let text = br#"[{"from": "human", "value": "hi", "weight": 0}, {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"a\": 1}}"}, {"from": "observation", "value": "4"}]"#;
        let parsed = Conversation::new(parse_json(text).unwrap()).unwrap();
        assert_eq!([parsed.role(0), parsed.role(1), parsed.role(2)], ["user", "assistant", "tool"]);
        assert_eq!(field(&parsed.messages[0], "weight"), Some(&Node::Int(0)));
        let calls = field(&parsed.messages[1], "tool_calls").unwrap();
        assert_eq!(
            *calls,
            parse_json(br#"[{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]"#).unwrap()
        );
    }
}
