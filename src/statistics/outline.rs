//! `Outline`: what is odd about the messages of a row; `roles_text`: their roles in short.

use std::borrow::Cow;

use super::role_names::RoleNames;
use crate::data::Node;
use crate::rows::Role;

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
    /// Whether a system message is not the first message.
    pub(super) has_late_system: bool,
    /// The role of the last message.
    last: Option<Role>,
}

impl Outline {
    /// The outline of a row with these tools, before its first message.
    pub(super) fn of_tools(tools: Option<&Node<'_>>) -> Outline {
        let tools = match tools {
            Some(Node::List(tools)) => tools.len(),
            _ => 0,
        };
        Outline { tools, ..Outline::default() }
    }

    /// Adds a message. `is_empty` tells whether it has no text, for other roles than the assistant's.
    pub(super) fn add(&mut self, role: Role, is_empty: bool) {
        self.repeats_role |= self.last == Some(role) && matches!(role, Role::User | Role::Assistant);
        self.has_late_system |= self.last.is_some() && role == Role::System;
        self.has_empty_message |= is_empty;
        self.last = Some(role);
    }

    /// Whether the last message is not the assistant's.
    pub(super) fn is_unanswered(&self) -> bool {
        self.last.is_some_and(|role| role != Role::Assistant)
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
                text.push_str(&shown(names.name(rest[0])));
                at += 1;
            }
            Some(period) => {
                let group: Vec<_> = rest[..period].iter().map(|role| shown(names.name(*role))).collect();
                text.push('(');
                text.push_str(&group.join(" "));
                text.push_str(")+");
                at += period * repeats(&period);
            }
        }
    }
    text
}

/// The name of a role, in quotes if it looks like more than a name.
fn shown(name: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(is_plain) { Cow::Borrowed(name) } else { Cow::Owned(format!("{name:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(messages: &[(&str, bool)]) -> Outline {
        let mut outline = Outline::of_tools(None);
        messages.iter().for_each(|(role, is_empty)| outline.add(Role::of(role), *is_empty));
        outline
    }

    fn text(roles: &str) -> String {
        let mut names = RoleNames::default();
        let roles: Vec<u8> = roles.split(' ').map(|role| names.index(role).0).collect();
        roles_text(&roles, &names)
    }

    #[test]
    fn roles_that_repeat_are_written_once() {
        assert_eq!(text("system user assistant"), "system user assistant");
        assert_eq!(text("system user assistant user assistant user assistant"), "system (user assistant)+");
        assert_eq!(text("user user"), "(user)+");
        assert_eq!(text("user assistant tool assistant tool assistant"), "user (assistant tool)+ assistant");
        assert_eq!(text("user assistant user"), "user assistant user");
        assert_eq!(text("(user assistant)+"), "\"(user\" \"assistant)+\"");
        let long: Vec<String> = (0..39).map(|role| format!("role{role:036}")).collect();
        assert!(text(&long.join(" ")).len() < MAX_ROLES + 50);
    }

    #[test]
    fn what_is_odd_is_seen() {
        let plain = outline(&[("system", false), ("user", false), ("assistant", false), ("user", false)]);
        assert!(!(plain.has_empty_message || plain.repeats_role || plain.has_late_system) && plain.is_unanswered());
        let odd = outline(&[("user", true), ("user", false), ("assistant", false), ("system", false)]);
        assert!(odd.has_empty_message && odd.repeats_role && odd.is_unanswered() && odd.has_late_system);
        assert!(!outline(&[("tool", false), ("tool", false), ("model", false)]).repeats_role);
        assert!(!outline(&[]).is_unanswered());
    }
}
