//! `LabelsSpec`: a label policy as JSON, in which every field is optional.

use std::collections::BTreeMap;

use super::json_fields::{JsonFields, labels_error};
use super::policy::{Boundary, FLAGS, Labels, RANGES, Roles, Stop, Turns, Unproved};
use crate::attribution::RegionKind;
use crate::error::Result;
use crate::names;

/// The fields of a policy as the user wrote them.
#[derive(Debug)]
pub struct LabelsSpec {
    roles: Roles,
    train_on_inputs: bool,
    turns: Turns,
    flags: Vec<String>,
    ranges: Option<String>,
    kinds: Option<Vec<String>>,
    weights: BTreeMap<String, f32>,
    weighted: Option<bool>,
    stop: Stop,
    stop_tokens: Vec<String>,
    borrow_stop: bool,
    tags: Option<bool>,
    boundary: Boundary,
    unproved: Unproved,
}

impl Labels {
    /// Reads a policy from a JSON object. `docs/labels.md` describes the fields.
    pub fn from_json(json: &str) -> Result<Labels> {
        let mut fields = JsonFields::parse(json)?;
        let spec = LabelsSpec::take(&mut fields)?;
        fields.finish(LabelsSpec::FIELDS)?;
        spec.into_labels()
    }
}

impl LabelsSpec {
    /// The names of all fields.
    pub const FIELDS: [&str; 14] = [
        "roles",
        "train_on_inputs",
        "turns",
        "flags",
        "ranges",
        "kinds",
        "weights",
        "weighted",
        "stop",
        "stop_tokens",
        "borrow_stop",
        "tags",
        "boundary",
        "unproved",
    ];

    /// Removes the fields of a policy from `fields` and reads them.
    pub(crate) fn take(fields: &mut JsonFields) -> Result<LabelsSpec> {
        Ok(LabelsSpec {
            roles: fields.take_or("roles", Roles::Named(vec!["assistant".to_owned()]))?,
            train_on_inputs: fields.take_or("train_on_inputs", false)?,
            turns: fields.take_or("turns", Turns::All)?,
            flags: fields.take_or("flags", FLAGS.map(str::to_owned).to_vec())?,
            ranges: fields.take_or("ranges", Some(RANGES.to_owned()))?,
            kinds: fields.take_or("kinds", None)?,
            weights: fields.take_or("weights", BTreeMap::new())?,
            weighted: fields.take_or("weighted", None)?,
            stop: fields.take_choice_or(Stop::Turn)?,
            stop_tokens: fields.take_or("stop_tokens", Vec::new())?,
            borrow_stop: fields.take_or("borrow_stop", true)?,
            tags: fields.take_or("tags", None)?,
            boundary: fields.take_choice_or(Boundary::Overlap)?,
            unproved: fields.take_choice_or(Unproved::Reject)?,
        })
    }

    /// The policy. The error names a field with an invalid value, or fields that exclude each other.
    pub(crate) fn into_labels(self) -> Result<Labels> {
        let defaults = Labels::default();
        let mut labels = Labels {
            roles: if self.train_on_inputs { Roles::All } else { self.roles },
            turns: self.turns,
            flags: self.flags,
            ranges: self.ranges,
            stop: self.stop,
            stop_tokens: self.stop_tokens,
            borrow_stop: self.borrow_stop,
            boundary: self.boundary,
            unproved: self.unproved,
            ..defaults.clone()
        };
        if let Some(kinds) = &self.kinds {
            labels.weights = [0.0; RegionKind::ALL.len()];
            for name in kinds {
                labels.weights[kind("kinds", name)? as usize] = 1.0;
            }
        }
        for (name, weight) in &self.weights {
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(labels_error(format!("the weight of {name:?} is {weight}; use a number of at least 0")));
            }
            labels.weights[kind("weights", name)? as usize] = *weight;
        }
        if labels.turns == Turns::First(0) {
            return Err(labels_error("`turns` is 0; use at least 1, \"all\" or \"last\""));
        }
        let fractions = labels.weights.iter().any(|&weight| weight != 0.0 && weight != 1.0);
        labels.weighted = self.weighted.unwrap_or(fractions);
        if fractions && !labels.weighted {
            return Err(labels_error(
                "`weights` has values other than 0 and 1, but `weighted` is false; set `weighted: true`",
            ));
        }
        // Tags mark the text that the template's author would train. A user who sets kinds of regions or other roles
        // selects a different text.
        let sets_kinds = labels.weights != defaults.weights || labels.stop != Stop::Turn;
        labels.tags = self.tags.unwrap_or(!sets_kinds && labels.roles == defaults.roles);
        if labels.tags && sets_kinds && !labels.is_nothing() {
            return Err(labels_error(
                "`tags: true` excludes `kinds`, `weights` and `stop`, because tags decide for a whole turn; remove these \
                 fields or set `tags: false`",
            ));
        }
        if labels.weights.iter().all(|&weight| weight == 0.0) {
            labels = Labels { weighted: labels.weighted, ..Labels::nothing() };
        }
        Ok(labels)
    }
}

/// The kind of region with this name in the field `field`.
fn kind(field: &str, name: &str) -> Result<RegionKind> {
    RegionKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let advice = names::advice(name, RegionKind::ALL.iter().map(|kind| kind.name()));
        labels_error(format!("`{field}` has {name:?}, which is not a kind of region; {advice}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_empty_object_is_the_default() {
        assert_eq!(Labels::from_json("{}").unwrap(), Labels::default());
        assert!(!Labels::default().is_everything() && !Labels::default().is_nothing());
    }

    #[test]
    fn every_field_is_known_and_read() {
        let json = r#"{"roles": "all", "train_on_inputs": true, "turns": 2, "flags": ["f"], "ranges": "r",
            "kinds": ["content"], "weights": {"closer": 0.5}, "weighted": true, "stop": "all", "stop_tokens": ["s"],
            "borrow_stop": false, "tags": false, "boundary": "first", "unproved": "mask"}"#;
        let serde_json::Value::Object(fields) = serde_json::from_str(json).unwrap() else { panic!("not an object") };
        let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
        let mut known = LabelsSpec::FIELDS;
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
        let mut weights = [0.0; RegionKind::ALL.len()];
        weights[RegionKind::Content as usize] = 1.0;
        weights[RegionKind::Closer as usize] = 0.5;
        let expected = Labels {
            roles: Roles::All,
            turns: Turns::First(2),
            flags: vec!["f".to_owned()],
            ranges: Some("r".to_owned()),
            weights,
            weighted: true,
            stop: Stop::All,
            stop_tokens: vec!["s".to_owned()],
            borrow_stop: false,
            tags: false,
            boundary: Boundary::First,
            unproved: Unproved::Mask,
        };
        assert_eq!(Labels::from_json(json).unwrap(), expected);
        assert_eq!(Labels::from_json(r#"{"ranges": null}"#).unwrap().ranges, None);
    }

    #[test]
    fn errors_name_the_field_and_the_remedy() {
        for (json, expected) in [
            (r#"{"rols": "all"}"#, "unknown field `rols`; did you mean `roles`? use one of `roles`, `train_on_inputs`"),
            (r#"{"like": "hf"}"#, "unknown field `like`; use one of"),
            (r#"{"roles": 3}"#, "`roles` is invalid: expected a role, a list of roles, or \"all\""),
            (r#"{"turns": "some"}"#, "`turns` is invalid: unknown value \"some\", expected \"all\""),
            (r#"{"turns": -1}"#, "`turns` is invalid: expected \"all\", \"last\" or the number"),
            (r#"{"turns": 0}"#, "`turns` is 0; use at least 1"),
            (
                r#"{"kinds": ["answer"]}"#,
                "`kinds` has \"answer\", which is not a kind of region; use one of `scaffold`, `header`",
            ),
            (r#"{"kinds": ["contents"]}"#, "did you mean `content`? use one of"),
            (r#"{"weights": {"content": -1}}"#, "the weight of \"content\" is -1; use a number of at least 0"),
            (r#"{"weights": {"content": 0.5}, "weighted": false}"#, "set `weighted: true`"),
            (r#"{"tags": true, "kinds": ["content"]}"#, "`tags: true` excludes `kinds`"),
            (r#"{"stop": "often"}"#, "`stop` is \"often\"; use one of `turn`, `all`, `last`, `none`"),
        ] {
            let error = Labels::from_json(json).unwrap_err();
            assert!(error.text.starts_with("labels: ") && error.text.contains(expected), "{json}: {error}");
            assert_eq!(error.kind, ErrorKind::Option);
        }
    }

    #[test]
    fn kinds_turn_tags_off() {
        let labels = Labels::from_json(r#"{"kinds": ["reasoning"]}"#).unwrap();
        assert!(!labels.tags && !labels.weighted);
        assert!(!Labels::from_json(r#"{"roles": ["user"]}"#).unwrap().tags);
        assert!(Labels::from_json(r#"{"turns": "last"}"#).unwrap().tags);
        assert!(Labels::from_json(r#"{"kinds": []}"#).unwrap().is_nothing());
    }
}
