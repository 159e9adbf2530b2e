//! `Outline`: the messages of a row in short: their number, their roles, and what is odd about them.

use crate::data::Node;
use crate::rows::{Conversation, Role, has_reasoning, is_empty_message};

/// The longest text of a sequence of roles.
const MAX_ROLES: usize = 160;
/// The longest name of a role in it.
const MAX_ROLE: usize = 24;
/// Roles repeat in groups of at most this many.
const MAX_PERIOD: usize = 4;

/// The messages of a row in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Number of messages.
    pub(super) messages: usize,
    /// Their roles, such as `system (user assistant)+`.
    pub(super) roles: String,
    /// Number of tools that the row declares.
    pub(super) tools: usize,
    /// Whether a message of another role than the assistant's has no text.
    pub(super) has_empty_message: bool,
    /// Whether two messages in a row are from the user, or two from the assistant.
    pub(super) repeats_role: bool,
    /// Whether the last message is not the assistant's.
    pub(super) is_unanswered: bool,
    /// Whether a system message is not the first message.
    pub(super) has_late_system: bool,
}

impl Outline {
    pub(super) fn of(conversation: &Conversation<'_>) -> Outline {
        let names: Vec<&str> = (0..conversation.messages.len()).map(|at| conversation.role(at)).collect();
        let roles: Vec<Role> = names.iter().map(|name| Role::of(name)).collect();
        let repeats = |pair: &[Role]| pair[0] == pair[1] && matches!(pair[0], Role::User | Role::Assistant);
        let mut messages = conversation.messages.iter().zip(&roles);
        Outline {
            messages: names.len(),
            roles: roles_text(&names),
            tools: match &conversation.tools {
                Some(Node::List(tools)) => tools.len(),
                _ => 0,
            },
            has_empty_message: messages.any(|(message, role)| *role != Role::Assistant && is_empty_message(message)),
            repeats_role: roles.windows(2).any(repeats),
            is_unanswered: roles.last().is_some_and(|role| *role != Role::Assistant),
            has_late_system: roles.iter().skip(1).any(|role| *role == Role::System),
        }
    }
}

/// The messages whose reasoning is in a field of its own.
pub(super) fn reasoning_messages<'c>(conversation: &'c Conversation<'_>) -> impl Iterator<Item = usize> + 'c {
    conversation.messages.iter().enumerate().filter(|(_, message)| has_reasoning(message)).map(|(index, _)| index)
}

/// The roles, each group that repeats written once.
fn roles_text(roles: &[&str]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < roles.len() {
        if !text.is_empty() {
            text.push(' ');
        }
        if text.len() > MAX_ROLES {
            text.push('…');
            break;
        }
        let rest = &roles[at..];
        let repeats = |period: &usize| rest.chunks(*period).take_while(|group| **group == rest[..*period]).count();
        let group = (1..=MAX_PERIOD.min(rest.len() / 2)).find(|period| repeats(period) > 1);
        match group {
            None => {
                push_role(&mut text, rest[0]);
                at += 1;
            }
            Some(period) => {
                text.push('(');
                for (index, role) in rest[..period].iter().enumerate() {
                    if index > 0 {
                        text.push(' ');
                    }
                    push_role(&mut text, role);
                }
                text.push_str(")+");
                at += period * repeats(&period);
            }
        }
    }
    text
}

fn push_role(text: &mut String, role: &str) {
    match role.char_indices().nth(MAX_ROLE) {
        Some((end, _)) => {
            text.push_str(&role[..end]);
            text.push('…');
        }
        None => text.push_str(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;

    fn outline(json: &str) -> Outline {
        Outline::of(&Conversation::new(parse_json(json.as_bytes()).unwrap()).unwrap())
    }

    #[test]
    fn roles_that_repeat_are_written_once() {
        let text = |roles: &str| roles_text(&roles.split(' ').collect::<Vec<_>>());
        assert_eq!(text("system user assistant"), "system user assistant");
        assert_eq!(text("system user assistant user assistant user assistant"), "system (user assistant)+");
        assert_eq!(text("user user"), "(user)+");
        assert_eq!(text("user assistant tool assistant tool assistant"), "user (assistant tool)+ assistant");
        assert_eq!(text("user assistant user"), "user assistant user");
        let long: Vec<String> = (0..200).map(|role| format!("role{role}")).collect();
        let long = roles_text(&long.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(long.len() < MAX_ROLES + MAX_ROLE * 4 && long.ends_with('…'));
        assert!(roles_text(&["é".repeat(99).as_str()]).ends_with("é…"));
    }

    #[test]
    fn what_is_odd_is_seen() {
        let plain = outline(r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#);
        let expected = Outline { messages: 2, roles: "user assistant".into(), ..Outline::default() };
        assert_eq!(plain, expected);
        let odd = outline(
            r#"[{"role": "user", "content": " "}, {"role": "user", "content": "a"}, {"role": "assistant", "content": ""},
                {"role": "system", "content": "b"}]"#,
        );
        assert!(odd.has_empty_message && odd.repeats_role && odd.is_unanswered && odd.has_late_system);
        let called = outline(r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]"#);
        assert!(!called.has_empty_message && !called.is_unanswered);
    }
}
