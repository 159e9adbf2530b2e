//! `Labels`: what is to be trained, as users say it.

use serde::Deserialize;

use crate::attribution::Speaker;
use crate::region::RegionKind;

/// Whose messages are trained.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "RolesText")]
pub enum Roles {
    /// Everybody's, and what is nobody's as far as it has a weight.
    All,
    /// Those of these roles.
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
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
    /// Whether messages of `role` are meant. `assistant` and `model` are one role, and so are the names of tools.
    pub fn contain(&self, role: &str) -> bool {
        let known = |name: &str| match Speaker::of(name) {
            Speaker::User if !matches!(name, "user" | "human") => None,
            speaker => Some(speaker),
        };
        match self {
            Roles::All => true,
            Roles::Named(names) => {
                let speaker = known(role);
                names.iter().any(|name| name == role || (speaker.is_some() && known(name) == speaker))
            }
        }
    }
}

/// Which turns of these roles are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TurnsText")]
pub enum Turns {
    /// Every one.
    All,
    /// The last one.
    Last,
    /// The first so many.
    First(usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
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
                Err(format!("turns must be \"all\", \"last\" or a number of first turns, not {name:?}"))
            }
        }
    }
}

/// Whose stop tokens are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stop {
    /// Those of trained turns.
    Turn,
    /// Those of all turns, also where the rest of the turn is not trained.
    All,
    /// That of the last trained turn.
    Last,
    /// None.
    None,
}

/// What becomes of a token that lies across the edge of what is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// It is trained.
    Overlap,
    /// It is not trained.
    Contained,
    /// Its first byte decides.
    First,
    /// There is none: the text is cut at the edges before it is tokenized.
    Split,
}

/// What becomes of a row with a trained turn whose labels are not proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unproved {
    /// It fails, as other rows fail.
    Reject,
    /// The whole run ends.
    Raise,
    /// The turn is not trained, and the row is counted.
    Mask,
}

/// The fields of a message that say whether and how much it is trained.
pub(super) const FLAGS: [&str; 3] = ["train", "training", "weight"];
/// The field of a message that lists ranges of its characters.
pub(super) const RANGES: &str = "train_detail";

/// How spans are found.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// By the regions of the text.
    Regions,
    /// As another tool does it.
    Like(Peer),
}

/// Tools whose labels can be asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// transformers' `return_assistant_tokens_mask`, with its faults.
    Transformers,
    /// TRL's `assistant_only_loss`: the same, where a template without tags is an error.
    Trl,
    /// axolotl's `chat_template` strategy.
    Axolotl(crate::peers::AxolotlOptions),
    /// unsloth's `train_on_responses_only`.
    Unsloth {
        /// Train the last response only.
        last_response_only: bool,
    },
    /// open-instruct's prefixes of the rendered text.
    OpenInstruct,
    /// TRL's prompt and completion: all that follows the prompt of the last turn.
    Completion,
}

/// What is trained.
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
    /// How spans are found.
    pub method: Method,
    /// Whose messages are trained.
    pub roles: Roles,
    /// Which of their turns.
    pub turns: Turns,
    /// Fields of a message that decide for it alone: a truth value, or a number that is its weight.
    pub flags: Vec<String>,
    /// The field of a message that lists ranges of its characters.
    pub ranges: Option<String>,
    /// The weight of each kind of region, by [`RegionKind`]; 0 is not trained.
    pub weights: [f32; RegionKind::ALL.len()],
    /// Whether weights other than 0 and 1 are wanted, as a column.
    pub weighted: bool,
    /// Whose stop tokens are trained.
    pub stop: Stop,
    /// The tokens that end a turn; empty for those that the template and the tokenizer show.
    pub stop_tokens: Vec<String>,
    /// Whether a turn without a stop token of its own may take the one that the next turn begins with.
    pub borrow_stop: bool,
    /// Whether `{% generation %}` decides in templates that have it.
    pub tags: bool,
    /// What becomes of tokens across an edge.
    pub boundary: Boundary,
    /// What becomes of rows whose labels are not proved.
    pub unproved: Unproved,
}

impl Default for Labels {
    /// What the assistant would have to generate: every turn after its generation prompt, through its stop token.
    fn default() -> Self {
        Labels {
            method: Method::Regions,
            roles: Roles::Named(vec!["assistant".to_owned()]),
            turns: Turns::All,
            flags: FLAGS.map(str::to_owned).to_vec(),
            ranges: Some(RANGES.to_owned()),
            weights: RegionKind::ALL.map(|kind| f32::from(u8::from(trains(kind)))),
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

/// The kinds that are trained unless the user says otherwise.
fn trains(kind: RegionKind) -> bool {
    kind.is_generated() || kind == RegionKind::ToolResult
}

impl Labels {
    /// Every token.
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

    /// No token.
    pub fn nothing() -> Labels {
        Labels { weights: [0.0; RegionKind::ALL.len()], tags: false, stop: Stop::None, ..Labels::default() }
    }

    /// Whether every token is trained, whatever put it there.
    pub fn is_everything(&self) -> bool {
        self.method == Method::Regions
            && self.roles == Roles::All
            && self.turns == Turns::All
            && self.flags.is_empty()
            && self.ranges.is_none()
            && self.weights.iter().all(|&weight| weight == 1.0)
            && matches!(self.stop, Stop::Turn | Stop::All)
            && !self.tags
    }

    /// Whether no token is trained.
    pub fn is_nothing(&self) -> bool {
        self.method == Method::Regions && self.weights.iter().all(|&weight| weight == 0.0) && !self.tags
    }

    /// The weight of a kind of region.
    pub fn weight(&self, kind: RegionKind) -> f32 {
        self.weights[kind as usize]
    }

    /// Whether trained turns are to end in a stop token.
    pub fn trains_stops(&self) -> bool {
        matches!(self.stop, Stop::Turn | Stop::All) && self.weight(RegionKind::Closer) > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_go_by_all_their_names() {
        let roles = Roles::Named(vec!["assistant".into(), "critic".into()]);
        assert!(roles.contain("model") && roles.contain("critic"));
        assert!(!roles.contain("user") && !roles.contain("judge"));
        assert!(Roles::Named(vec!["user".into()]).contain("human"));
        assert!(!Roles::Named(vec!["user".into()]).contain("critic"));
    }
}
