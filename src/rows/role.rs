//! `Role`: the four roles that chat templates distinguish.

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `system` or `developer`.
    System,
    /// `user`, and every name that no other role has.
    User,
    /// `assistant` or `model`.
    Assistant,
    /// `tool`, or another name for the result of a tool call.
    Tool,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Role; 4] = [Role::System, Role::User, Role::Assistant, Role::Tool];

    /// The role that a message has under the name `role`.
    pub fn of(role: &str) -> Role {
        match role {
            "system" | "developer" => Role::System,
            "assistant" | "model" => Role::Assistant,
            "tool" | "function" | "ipython" | "observation" => Role::Tool,
            _ => Role::User,
        }
    }
}
