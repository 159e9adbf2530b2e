//! `Pull`: what a generator has left to give.

use std::collections::VecDeque;
use std::fmt;

use super::{Machine, Run};
use crate::template::value::Value;

/// Work that makes the items of a generator.
type Work<'d> = Box<dyn FnOnce(&mut Machine<'d>) -> Run<Vec<Value<'d>>> + 'd>;

/// What is left of an iterator. The work is done when the first item is asked for, as Python's generators do.
#[derive(Default)]
pub(crate) struct Pull<'d> {
    work: Option<Work<'d>>,
    ready: VecDeque<Value<'d>>,
}

impl<'d> Pull<'d> {
    /// Items that `work` makes when they are asked for.
    pub(crate) fn later(work: impl FnOnce(&mut Machine<'d>) -> Run<Vec<Value<'d>>> + 'd) -> Pull<'d> {
        Pull { work: Some(Box::new(work)), ready: VecDeque::new() }
    }

    /// Items that are there.
    pub(crate) fn ready(items: Vec<Value<'d>>) -> Pull<'d> {
        Pull { work: None, ready: items.into() }
    }

    /// All that is left.
    pub(crate) fn rest(self, machine: &mut Machine<'d>) -> Run<Vec<Value<'d>>> {
        match self.work {
            Some(work) => work(machine),
            None => Ok(self.ready.into()),
        }
    }
}

impl fmt::Debug for Pull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}
