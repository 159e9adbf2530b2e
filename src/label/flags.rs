//! The weight of each message, from its flags, its role and its position.

use super::detail;
use super::{Labels, Turns};
use crate::data::{Fields, Node, field};
use crate::error::{Error, Result};
use crate::rows::Conversation;

impl Labels {
    /// The weight of each message, from its flags, or else from its role and position. With `only`, all other messages
    /// have the weight 0.
    pub(super) fn message_weights(&self, conversation: &Conversation<'_>, only: Option<usize>) -> Result<Vec<f32>> {
        let count = conversation.messages.len();
        let of_role: Vec<usize> = (0..count).filter(|&index| self.roles.contain(conversation.role(index))).collect();
        let selected = match self.turns {
            Turns::All => &of_role[..],
            Turns::Last => &of_role[of_role.len().saturating_sub(1)..],
            Turns::First(turns) => &of_role[..turns.min(of_role.len())],
        };
        let mut weights = vec![0.0; count];
        selected.iter().for_each(|&index| weights[index] = 1.0);
        for (index, fields) in conversation.messages.iter().enumerate() {
            let own = self.own_weight(fields).map_err(|error| error.at_message(index))?;
            if let Some(weight) = own {
                weights[index] = weight;
            } else if detail::is_detailed(self, fields) {
                weights[index] = 1.0;
            }
        }
        if let Some(only) = only {
            weights.iter_mut().enumerate().filter(|(index, _)| *index != only).for_each(|(_, weight)| *weight = 0.0);
        }
        Ok(weights)
    }

    /// The messages that the policy trains, proved or not.
    pub fn trained_messages(&self, conversation: &Conversation<'_>) -> Result<Vec<usize>> {
        let weights = self.message_weights(conversation, None)?;
        Ok(weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0).map(|(index, _)| index).collect())
    }

    /// The weight from the flags of a message, or of a part of its content. None if it has no flag.
    pub(super) fn own_weight(&self, fields: &Fields<'_>) -> Result<Option<f32>> {
        let mut own = None;
        for name in &self.flags {
            let weight = match field(fields, name) {
                None | Some(Node::Null) => continue,
                Some(Node::Bool(trained)) => f32::from(u8::from(*trained)),
                Some(Node::Int(number)) => *number as f32,
                Some(Node::Float(number)) => *number as f32,
                Some(other) => {
                    return Err(Error::wrong_type(format!(
                        "`{name}` must be true, false or a number, found {}; if this field is not about training, remove \
                        it from `flags` in the labels",
                        other.type_name()
                    )));
                }
            };
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(Error::wrong_type(format!("`{name}` is {weight}; use a number of at least 0")));
            }
            if weight != 0.0 && weight != 1.0 && !self.weighted {
                let text =
                    format!("`{name}` is {weight}, but the labels have no weights; set `weighted: true` in the labels");
                return Err(Error::wrong_type(text));
            }
            own = Some(own.unwrap_or(1.0) * weight);
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;
    use crate::error::ErrorKind;

    fn weights(labels: &str, messages: &str) -> Result<Vec<f32>> {
        let conversation = Conversation::new(parse_json(messages.as_bytes())?)?;
        Labels::from_json(labels)?.message_weights(&conversation, None)
    }

    const FOUR: &str = r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
        {"role": "tool", "content": "c"}, {"role": "assistant", "content": "d"}]"#;

    #[test]
    fn roles_and_turns_decide() {
        assert_eq!(weights("{}", FOUR).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"turns": "last"}"#, FOUR).unwrap(), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"turns": 1}"#, FOUR).unwrap(), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(weights(r#"{"turns": 9}"#, FOUR).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"roles": ["assistant", "tool"]}"#, FOUR).unwrap(), [0.0, 1.0, 1.0, 1.0]);
        assert_eq!(weights(r#"{"train_on_inputs": true}"#, FOUR).unwrap(), [1.0; 4]);
    }

    #[test]
    fn the_flags_of_a_message_win() {
        let flagged = |flag: &str| {
            format!(r#"[{{"role": "user", "content": "a", {flag}}}, {{"role": "assistant", "content": "b", {flag}}}]"#)
        };
        assert_eq!(weights("{}", &flagged(r#""train": true"#)).unwrap(), [1.0, 1.0]);
        assert_eq!(weights("{}", &flagged(r#""weight": 0"#)).unwrap(), [0.0, 0.0]);
        assert_eq!(weights(r#"{"flags": []}"#, &flagged(r#""weight": 0"#)).unwrap(), [0.0, 1.0]);
        assert_eq!(weights(r#"{"weighted": true}"#, &flagged(r#""weight": 0.5, "train": 2"#)).unwrap(), [1.0, 1.0]);
        for (labels, flag) in [("{}", r#""weight": 0.5"#), ("{}", r#""train": "no""#), ("{}", r#""weight": -1"#)] {
            let error = weights(labels, &flagged(flag)).unwrap_err();
            assert_eq!((error.kind, error.message), (ErrorKind::WrongType, Some(0)), "{flag}");
        }
        let error = weights("{}", &flagged(r#""train": "no""#)).unwrap_err();
        let expected = "`train` must be true, false or a number, found a string; if this field is not about training, \
        remove it from `flags` in the labels";
        assert_eq!(error.text, expected);
    }
}
