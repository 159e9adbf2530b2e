//! `LabelChoice`: labels by a policy, or as another tool makes them.

use serde_json::{Map, Value};

use crate::compat::Emulation;
use crate::error::Result;
use crate::label::json_fields::{JsonFields, labels_error};
use crate::label::{Labels, LabelsSpec, Unproved};

/// How the labels of a run are made.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelChoice {
    /// By a policy.
    Policy(Labels),
    /// As another tool makes them.
    Emulate {
        /// The tool.
        emulation: Emulation,
        /// What happens to rows whose labels are not proved.
        unproved: Unproved,
    },
}

impl Default for LabelChoice {
    fn default() -> Self {
        LabelChoice::Policy(Labels::default())
    }
}

impl From<Labels> for LabelChoice {
    fn from(labels: Labels) -> Self {
        LabelChoice::Policy(labels)
    }
}

impl LabelChoice {
    /// Reads a JSON object with the fields of a policy, or with `emulate`, the name of a tool, and its `options`.
    /// `like` is the old name of `emulate`.
    pub fn from_json(json: &str) -> Result<LabelChoice> {
        let mut fields = JsonFields::parse(json)?;
        let emulate: Option<String> = fields.take_or("emulate", None)?;
        let like: Option<String> = fields.take_or("like", None)?;
        if emulate.is_some() && like.is_some() {
            return Err(labels_error("`emulate` and `like` mean the same; remove `like`"));
        }
        let options: Map<String, Value> = fields.take_or("options", Map::new())?;
        let spec = LabelsSpec::take(&mut fields)?;
        fields.finish(LabelsSpec::FIELDS.into_iter().chain(["emulate", "options"]))?;
        let Some(tool) = emulate.or(like) else {
            if let Some(name) = options.keys().next() {
                let text =
                    format!("`options` has {name:?}, but no tool is emulated; set `emulate` or remove `options`");
                return Err(labels_error(text));
            }
            return spec.into_labels().map(LabelChoice::Policy);
        };
        let emulation = Emulation::parse(&tool, options)?;
        let labels = spec.into_labels()?;
        let unproved = labels.unproved;
        if labels != (Labels { unproved, ..Labels::default() }) {
            return Err(labels_error(
                "`emulate` excludes all fields of a policy except `unproved`; remove the other fields or `emulate`",
            ));
        }
        Ok(LabelChoice::Emulate { emulation, unproved })
    }

    /// Whether each token gets a weight.
    pub fn is_weighted(&self) -> bool {
        matches!(self, LabelChoice::Policy(labels) if labels.weighted)
    }

    /// Whether no token is trained.
    pub fn is_nothing(&self) -> bool {
        matches!(self, LabelChoice::Policy(labels) if labels.is_nothing())
    }

    /// What happens to rows whose labels are not proved.
    pub fn unproved(&self) -> Unproved {
        match self {
            LabelChoice::Policy(labels) => labels.unproved,
            LabelChoice::Emulate { unproved, .. } => *unproved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::label::Turns;

    #[test]
    fn a_policy_or_a_tool_is_read() {
        assert_eq!(LabelChoice::from_json("{}").unwrap(), LabelChoice::default());
        let policy = Labels { turns: Turns::Last, ..Labels::default() };
        let json = r#"{"turns": "last", "like": null, "emulate": null, "options": {}}"#;
        assert_eq!(LabelChoice::from_json(json).unwrap(), policy.into());
        let nothing = LabelChoice::from_json(r#"{"weights": {"content": 0}, "kinds": ["content"]}"#).unwrap();
        assert_eq!(nothing, Labels::nothing().into());
        for name in ["like", "emulate"] {
            for tool in Emulation::NAMES {
                let json = format!(r#"{{"{name}": "{tool}", "unproved": "mask"}}"#);
                let LabelChoice::Emulate { emulation, unproved } = LabelChoice::from_json(&json).unwrap() else {
                    panic!("{json} is a policy")
                };
                assert_eq!((emulation.name(), unproved), (tool, Unproved::Mask));
            }
        }
    }

    #[test]
    fn fields_of_a_policy_may_have_their_defaults() {
        let json = r#"{"like": "unsloth", "options": {"last_response_only": true}, "roles": ["assistant"],
            "train_on_inputs": false, "turns": "all", "flags": ["train", "training", "weight"], "ranges": "train_detail",
            "kinds": ["prefix", "reasoning", "content", "tool_call", "tool_result", "closer"], "weights": {},
            "weighted": null, "stop": "turn", "stop_tokens": [], "borrow_stop": true, "tags": null,
            "boundary": "overlap", "unproved": "raise"}"#;
        let emulation = Emulation::Unsloth { last_response_only: true };
        let expected = LabelChoice::Emulate { emulation, unproved: Unproved::Raise };
        assert_eq!(LabelChoice::from_json(json).unwrap(), expected);
        assert_eq!(expected.unproved(), Unproved::Raise);
    }

    #[test]
    fn errors_name_the_field_and_the_remedy() {
        for (json, expected) in [
            (r#"{"rols": "all"}"#, "unknown field `rols`; did you mean `roles`? use one of"),
            (r#"{"emulat": "hf"}"#, "unknown field `emulat`; did you mean `emulate`?"),
            (r#"{"like": "nemo"}"#, "`emulate` is \"nemo\"; use one of"),
            (r#"{"emulate": "hf", "like": "hf"}"#, "remove `like`"),
            (r#"{"emulate": "hf", "options": {"x": 1}}"#, "options of hf: unknown option `x`; remove it"),
            (r#"{"emulate": "hf", "turns": "last"}"#, "`emulate` excludes all fields of a policy except `unproved`"),
            (r#"{"emulate": "hf", "kinds": []}"#, "`emulate` excludes all fields"),
            (r#"{"emulate": "hf", "tags": false}"#, "`emulate` excludes all fields"),
            (r#"{"emulate": "hf", "weighted": true}"#, "`emulate` excludes all fields"),
            (r#"{"options": {"x": 1}}"#, "`options` has \"x\", but no tool is emulated"),
            (r#"{"options": null}"#, "`options` is invalid: invalid type: null, expected a map"),
        ] {
            let error = LabelChoice::from_json(json).unwrap_err();
            assert!(error.text.starts_with("labels: ") && error.text.contains(expected), "{json}: {error}");
            assert_eq!(error.kind, ErrorKind::Option);
        }
    }
}
