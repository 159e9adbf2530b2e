//! `Outline`: what is odd about the messages of a row; `roles_text`: their roles in short.

use super::role_names::RoleNames;
use crate::data::Node;
use crate::rows::{Conversation, Role, is_empty_message};

/// The longest text of a sequence of roles.
const MAX_ROLES: usize = 160;
/// Roles repeat in groups of at most this many.
const MAX_PERIOD: usize = 4;

/// What is odd about the messages of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outline {
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
        let tools = match &conversation.tools {
            Some(Node::List(tools)) => tools.len(),
            _ => 0,
        };
        let mut outline = Outline { tools, ..Outline::default() };
        let mut before = None;
        for (index, message) in conversation.messages.iter().enumerate() {
            let role = Role::of(conversation.role(index));
            outline.repeats_role |= before == Some(role) && matches!(role, Role::User | Role::Assistant);
            outline.has_late_system |= index > 0 && role == Role::System;
            outline.has_empty_message |= role != Role::Assistant && is_empty_message(message);
            before = Some(role);
        }
        outline.is_unanswered = before.is_some_and(|role| role != Role::Assistant);
        outline
    }
}

/// The roles of a row, such as `system (user assistant)+`: a group that repeats is written once.
pub(super) fn roles_text(roles: &[u8], names: &RoleNames) -> String {
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
                text.push_str(names.name(rest[0]));
                at += 1;
            }
            Some(period) => {
                let group: Vec<&str> = rest[..period].iter().map(|role| names.name(*role)).collect();
                text.push('(');
                text.push_str(&group.join(" "));
                text.push_str(")+");
                at += period * repeats(&period);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;

    fn outline(json: &str) -> Outline {
        Outline::of(&Conversation::new(parse_json(json.as_bytes()).unwrap()).unwrap())
    }

    fn text(roles: &str) -> String {
        let mut names = RoleNames::default();
        let roles: Vec<u8> = roles.split(' ').map(|role| names.index(role)).collect();
        roles_text(&roles, &names)
    }

    #[test]
    fn roles_that_repeat_are_written_once() {
        assert_eq!(text("system user assistant"), "system user assistant");
        assert_eq!(text("system user assistant user assistant user assistant"), "system (user assistant)+");
        assert_eq!(text("user user"), "(user)+");
        assert_eq!(text("user assistant tool assistant tool assistant"), "user (assistant tool)+ assistant");
        assert_eq!(text("user assistant user"), "user assistant user");
        let long: Vec<String> = (0..39).map(|role| format!("role{role:036}")).collect();
        assert!(text(&long.join(" ")).len() < MAX_ROLES + 50);
    }

    #[test]
    fn what_is_odd_is_seen() {
        let plain = outline(r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#);
        assert_eq!(plain, Outline::default());
        let odd = outline(
            r#"[{"role": "user", "content": " "}, {"role": "user", "content": "a"}, {"role": "assistant", "content": ""},
                {"role": "system", "content": "b"}]"#,
        );
        assert!(odd.has_empty_message && odd.repeats_role && odd.is_unanswered && odd.has_late_system);
        let answered = outline(r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]"#);
        assert!(!answered.has_empty_message && !answered.is_unanswered);
    }
}
