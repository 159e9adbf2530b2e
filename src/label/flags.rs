//! What messages say of themselves: whether they are trained, and with what weight.

use super::Labels;
use super::detail;
use crate::conversation::{Conversation, Fields, Node, field};
use crate::error::{Error, Kind, Result};
use crate::label::Turns;

impl Labels {
    /// The weight of each message. Its own fields decide where it has them, else its role and its place. `only` leaves
    /// one message its weight and takes that of all others.
    pub(super) fn message_weights(&self, conversation: &Conversation<'_>, only: Option<usize>) -> Result<Vec<f32>> {
        let count = conversation.messages.len();
        let of_role: Vec<usize> = (0..count).filter(|&index| self.roles.contain(conversation.role(index))).collect();
        let chosen = match self.turns {
            Turns::All => &of_role[..],
            Turns::Last => &of_role[of_role.len().saturating_sub(1)..],
            Turns::First(turns) => &of_role[..turns.min(of_role.len())],
        };
        let mut weights = vec![0.0; count];
        chosen.iter().for_each(|&index| weights[index] = 1.0);
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

    /// The messages that are trained, whatever is proved of them.
    pub fn trained_messages(&self, conversation: &Conversation<'_>) -> Result<Vec<usize>> {
        let weights = self.message_weights(conversation, None)?;
        Ok(weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0).map(|(index, _)| index).collect())
    }

    /// The weight that the fields of a message, or of one part of it, give it.
    pub(super) fn own_weight(&self, fields: &Fields<'_>) -> Result<Option<f32>> {
        let mut own = None;
        for name in &self.flags {
            let weight = match field(fields, name) {
                None | Some(Node::Null) => continue,
                Some(Node::Bool(trained)) => f32::from(u8::from(*trained)),
                Some(Node::Int(number)) => *number as f32,
                Some(Node::Float(number)) => *number as f32,
                Some(other) => {
                    let text = format!(
                        "{name} must be true, false or a number, found {}; if it says nothing of training, leave {name} \
                         out of the flags of the labels",
                        other.type_name()
                    );
                    return Err(Error::new(Kind::WrongType, text));
                }
            };
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(Error::new(Kind::WrongType, format!("{name} is {weight}: it must be from 0 on")));
            }
            if weight != 0.0 && weight != 1.0 && !self.weighted {
                let text = format!("{name} is {weight}: ask for a column of weights with labels weighted: true");
                return Err(Error::new(Kind::WrongType, text));
            }
            own = Some(own.unwrap_or(1.0) * weight);
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(labels: &str, messages: &str) -> Result<Vec<f32>> {
        let conversation = Conversation::new(Node::parse_json(messages.as_bytes())?)?;
        Labels::from_json(labels)?.message_weights(&conversation, None)
    }

    const FOUR: &str = r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
        {"role": "tool", "content": "c"}, {"role": "assistant", "content": "d"}]"#;

    #[test]
    fn roles_and_turns_choose() {
        assert_eq!(weights("{}", FOUR).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"turns": "last"}"#, FOUR).unwrap(), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"turns": 1}"#, FOUR).unwrap(), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(weights(r#"{"turns": 9}"#, FOUR).unwrap(), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(weights(r#"{"roles": ["assistant", "tool"]}"#, FOUR).unwrap(), [0.0, 1.0, 1.0, 1.0]);
        assert_eq!(weights(r#"{"train_on_inputs": true}"#, FOUR).unwrap(), [1.0; 4]);
    }

    #[test]
    fn a_message_speaks_for_itself() {
        let flagged = |flag: &str| {
            format!(r#"[{{"role": "user", "content": "a", {flag}}}, {{"role": "assistant", "content": "b", {flag}}}]"#)
        };
        assert_eq!(weights("{}", &flagged(r#""train": true"#)).unwrap(), [1.0, 1.0]);
        assert_eq!(weights("{}", &flagged(r#""weight": 0"#)).unwrap(), [0.0, 0.0]);
        assert_eq!(weights(r#"{"flags": []}"#, &flagged(r#""weight": 0"#)).unwrap(), [0.0, 1.0]);
        assert_eq!(weights(r#"{"weighted": true}"#, &flagged(r#""weight": 0.5, "train": 2"#)).unwrap(), [1.0, 1.0]);
        for (labels, flag) in [("{}", r#""weight": 0.5"#), ("{}", r#""train": "no""#), ("{}", r#""weight": -1"#)] {
            let error = weights(labels, &flagged(flag)).unwrap_err();
            assert_eq!((error.kind, error.message), (Kind::WrongType, Some(0)), "{flag}");
        }
    }
}
