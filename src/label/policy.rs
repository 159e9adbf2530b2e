//! `Labels`: the policy that selects the trained parts of a conversation.

use serde::Deserialize;

use crate::attribution::RegionKind;
use crate::choice::Choice;
use crate::rows::Role;

/// The roles whose messages are trained.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RolesText")]
pub enum Roles {
    /// All roles, and text outside of all messages if its kind has a weight.
    All,
    /// These roles.
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a role, a list of roles, or \"all\"")]
enum RolesText {
    One(String),
    Many(Vec<String>),
}

impl From<RolesText> for Roles {
    fn from(text: RolesText) -> Roles {
        match text {
            RolesText::One(name) if name == "all" => Roles::All,
            RolesText::One(name) => Roles::Named(vec![name]),
            RolesText::Many(names) => Roles::Named(names),
        }
    }
}

impl Roles {
    /// Whether messages of `role` are trained. `assistant` and `model` are one role, and so are the names of tools.
    pub fn contain(&self, role: &str) -> bool {
        let known = |name: &str| match Role::of(name) {
            Role::User if !matches!(name, "user" | "human") => None,
            role => Some(role),
        };
        match self {
            Roles::All => true,
            Roles::Named(names) => {
                let role_known = known(role);
                names.iter().any(|name| name == role || (role_known.is_some() && known(name) == role_known))
            }
        }
    }
}

/// Which turns of the trained roles are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TurnsText")]
pub enum Turns {
    /// All turns.
    All,
    /// The last turn.
    Last,
    /// This number of turns from the start.
    First(usize),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"all\", \"last\" or the number of first turns")]
enum TurnsText {
    First(usize),
    Name(String),
}

impl TryFrom<TurnsText> for Turns {
    type Error = String;

    fn try_from(text: TurnsText) -> std::result::Result<Turns, String> {
        match text {
            TurnsText::First(count) => Ok(Turns::First(count)),
            TurnsText::Name(name) if name == "all" => Ok(Turns::All),
            TurnsText::Name(name) if name == "last" => Ok(Turns::Last),
            TurnsText::Name(name) => {
                Err(format!("unknown value {name:?}, expected \"all\", \"last\" or the number of first turns"))
            }
        }
    }
}

/// Which stop tokens are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The stop tokens of trained turns.
    Turn,
    /// The stop tokens of all turns, even if the rest of the turn is not trained.
    All,
    /// The stop token of the last trained turn.
    Last,
    /// None.
    None,
}

impl Choice for Stop {
    const OPTION: &'static str = "stop";
    const NAMES: &'static [(&'static str, Self)] =
        &[("turn", Stop::Turn), ("all", Stop::All), ("last", Stop::Last), ("none", Stop::None)];
}

/// The label of a token across an edge of the trained text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// The token is trained.
    Overlap,
    /// The token is not trained.
    Contained,
    /// The first byte of the token decides.
    First,
    /// There is no such token: the text is cut at the edges before it is tokenized.
    Split,
}

impl Choice for Boundary {
    const OPTION: &'static str = "boundary";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("overlap", Boundary::Overlap),
        ("contained", Boundary::Contained),
        ("first", Boundary::First),
        ("split", Boundary::Split),
    ];
}

/// What happens to a row with a trained turn whose labels are not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproved {
    /// The row fails, like any other row with an error.
    Reject,
    /// The whole run fails.
    Raise,
    /// The turn is not trained, and the row is counted.
    Mask,
}

impl Choice for Unproved {
    const OPTION: &'static str = "unproved";
    const NAMES: &'static [(&'static str, Self)] =
        &[("reject", Unproved::Reject), ("raise", Unproved::Raise), ("mask", Unproved::Mask)];
}

/// The default fields of a message that say whether and how much it is trained.
pub(super) const FLAGS: [&str; 3] = ["train", "training", "weight"];
/// The default field of a message with ranges of characters.
pub(super) const RANGES: &str = "train_detail";

/// A label policy: which tokens are trained, and with what weight.
///
/// ```
/// use chatmill::label::{Labels, Turns};
///
/// let labels = Labels::from_json(r#"{"turns": "last", "weights": {"reasoning": 0.5}}"#)?;
/// assert_eq!(labels.turns, Turns::Last);
/// assert!(labels.weighted);
/// # Ok::<(), chatmill::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The roles whose messages are trained.
    pub roles: Roles,
    /// Which turns of these roles are trained.
    pub turns: Turns,
    /// Fields of a message that decide for this message alone: a boolean, or a number that is its weight.
    pub flags: Vec<String>,
    /// The field of a message with ranges of its characters.
    pub ranges: Option<String>,
    /// The weight of each kind of region, by [`RegionKind`]. A kind with the weight 0 is not trained.
    pub weights: [f32; RegionKind::ALL.len()],
    /// Whether each token gets a weight. Weights other than 0 and 1 need it.
    pub weighted: bool,
    /// Which stop tokens are trained.
    pub stop: Stop,
    /// The tokens that end a turn. Empty for the stop tokens of the tokenizer.
    pub stop_tokens: Vec<String>,
    /// Whether a turn without a stop token may use the stop token with which the next turn starts.
    pub borrow_stop: bool,
    /// Whether `{% generation %}` tags decide, in templates that have them.
    pub tags: bool,
    /// The label of a token across an edge.
    pub boundary: Boundary,
    /// What happens to rows whose labels are not proved.
    pub unproved: Unproved,
}

impl Default for Labels {
    /// Trains the text that the assistant has to generate: every assistant turn after its generation prompt, up to and
    /// including its stop token.
    fn default() -> Self {
        Labels {
            roles: Roles::Named(vec!["assistant".to_owned()]),
            turns: Turns::All,
            flags: FLAGS.map(str::to_owned).to_vec(),
            ranges: Some(RANGES.to_owned()),
            weights: RegionKind::ALL.map(|kind| f32::from(u8::from(is_trained_by_default(kind)))),
            weighted: false,
            stop: Stop::Turn,
            stop_tokens: Vec::new(),
            borrow_stop: true,
            tags: true,
            boundary: Boundary::Overlap,
            unproved: Unproved::Reject,
        }
    }
}

fn is_trained_by_default(kind: RegionKind) -> bool {
    kind.is_generated() || kind == RegionKind::ToolResult
}

impl Labels {
    /// Trains every token.
    pub fn everything() -> Labels {
        Labels {
            roles: Roles::All,
            flags: Vec::new(),
            ranges: None,
            weights: [1.0; RegionKind::ALL.len()],
            tags: false,
            ..Labels::default()
        }
    }

    /// Trains no token.
    pub fn nothing() -> Labels {
        Labels { weights: [0.0; RegionKind::ALL.len()], tags: false, stop: Stop::None, ..Labels::default() }
    }

    /// Whether every token is trained, in every row.
    pub fn is_everything(&self) -> bool {
        self.roles == Roles::All
            && self.turns == Turns::All
            && self.flags.is_empty()
            && self.ranges.is_none()
            && self.weights.iter().all(|&weight| weight == 1.0)
            && matches!(self.stop, Stop::Turn | Stop::All)
            && !self.tags
    }

    /// Whether no token is trained.
    pub fn is_nothing(&self) -> bool {
        self.weights.iter().all(|&weight| weight == 0.0) && !self.tags
    }

    /// The weight of a kind of region.
    pub fn weight(&self, kind: RegionKind) -> f32 {
        self.weights[kind as usize]
    }

    /// Whether every trained turn should end with a trained stop token.
    pub fn trains_stops(&self) -> bool {
        matches!(self.stop, Stop::Turn | Stop::All) && self.weight(RegionKind::Closer) > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_matches_all_its_names() {
        let roles = Roles::Named(vec!["assistant".into(), "critic".into()]);
        assert!(roles.contain("model") && roles.contain("critic"));
        assert!(!roles.contain("user") && !roles.contain("judge"));
        assert!(Roles::Named(vec!["user".into()]).contain("human"));
        assert!(!Roles::Named(vec!["user".into()]).contain("critic"));
    }
}
