//! `Loaded`: what is loaded of a definition at first, with or without a self-test.

use std::sync::Arc;

use super::engines::{Fast, Reference};
use super::verdict::Verdict;
use super::vocabulary::Vocabulary;
use super::{limits, self_test};
use crate::error::Result;

/// What a definition gives: engines, and what is known of them.
pub(super) struct Loaded {
    pub(super) vocabulary: Arc<Vocabulary>,
    pub(super) reference: Option<Reference>,
    /// None if the engine is not loaded yet.
    pub(super) fast: Option<Option<Fast>>,
    pub(super) verdict: Verdict,
}

impl Loaded {
    /// The reference alone.
    pub(super) fn reference_only(definition: &str) -> Result<Loaded> {
        let reference = limits::check_ids(definition).and_then(|()| Reference::new(definition))?;
        let verdict = Verdict {
            engine: None,
            reason: "`engine=\"reference\"` was set".to_owned(),
            differing: Vec::new(),
            vocabulary_can_be_read: false,
            prefix: reference.prefix(),
            adds_space: reference.adds_space(),
        };
        let vocabulary = Arc::new(reference.vocabulary());
        Ok(Loaded { vocabulary, reference: Some(reference), fast: Some(None), verdict })
    }

    /// The engine that passes the self-test.
    pub(super) fn tested(definition: &str) -> Result<Loaded> {
        let mut loaded = Loaded::reference_only(definition)?;
        let Some(reference) = &loaded.reference else { return Ok(loaded) };
        match self_test::fast_if_equal(definition, reference, &loaded.vocabulary) {
            Ok((fast, name, reason)) => {
                loaded.verdict.engine = Some(name.to_owned());
                loaded.verdict.reason = reason;
                loaded.verdict.differing = fast.differing();
                loaded.fast = Some(Some(fast));
            }
            Err(reason) => loaded.verdict.reason = reason,
        }
        let read = Vocabulary::read(definition);
        loaded.verdict.vocabulary_can_be_read = read.is_some_and(|read| read == *loaded.vocabulary);
        Ok(loaded)
    }

    /// What a verdict says. None if the definition cannot be loaded, so that the self-test says why.
    pub(super) fn known(definition: &str, verdict: Verdict) -> Option<Loaded> {
        let has_fast = verdict.engine.is_some();
        let reference =
            if has_fast && verdict.vocabulary_can_be_read { None } else { Some(Reference::new(definition).ok()?) };
        let vocabulary = match &reference {
            Some(reference) => reference.vocabulary(),
            None => Vocabulary::read(definition)?,
        };
        let fast = if has_fast { None } else { Some(None) };
        Some(Loaded { vocabulary: Arc::new(vocabulary), reference, fast, verdict })
    }
}
