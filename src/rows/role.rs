//! `Role`: the author of a message.

/// The author of a message. Chat templates and labels distinguish only these four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `system`, `developer`.
    System,
    /// `user`, and every name that is not one of the others.
    User,
    /// `assistant`, `model`.
    Assistant,
    /// `tool`, and the other names for the author of a tool result: `function`, `ipython`, `observation`.
    Tool,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Role; 4] = [Role::System, Role::User, Role::Assistant, Role::Tool];

    /// The role with this name in a message.
    pub fn of(name: &str) -> Role {
        match name {
            "system" | "developer" => Role::System,
            "assistant" | "model" => Role::Assistant,
            "tool" | "function" | "ipython" | "observation" => Role::Tool,
            _ => Role::User,
        }
    }

    /// Whether `name` is one of the usual names of roles. Templates may write such a name into a control token, as in
    /// `<|user|>`.
    pub fn is_usual(name: &str) -> bool {
        name == "user" || Role::of(name) != Role::User
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_several_names() {
        for (names, role) in [
            (&["system", "developer"][..], Role::System),
            (&["assistant", "model"], Role::Assistant),
            (&["tool", "function", "ipython", "observation"], Role::Tool),
            (&["user", "human", "critic", "", "Assistant"], Role::User),
        ] {
            assert!(names.iter().all(|name| Role::of(name) == role), "{names:?}");
        }
        assert!(["user", "developer", "ipython"].into_iter().all(Role::is_usual));
        assert!(!["", "User", "human", "im_end"].into_iter().any(Role::is_usual));
        assert!(Role::ALL.iter().enumerate().all(|(index, role)| *role as usize == index));
    }
}
