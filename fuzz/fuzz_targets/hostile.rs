//! Hostile templates: the input chooses the parts of a template that tries to take all time or memory. Under small limits
//! it ends at once, with a text or an error.

#![no_main]

use chatjinja::{Fields, Input, Limits, Template};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/chatjinja/tests/support/hostile.rs"]
mod hostile;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.iter();
    let mut choose = |count: usize| bytes.next().map_or(0, |byte| usize::from(*byte)) % count;
    let source = hostile::template(&mut choose);
    let Ok(template) = Template::new("hostile", &source) else { return };
    let limits = Limits { steps: 100_000, memory: 16 << 20, depth: 200, output: 4 << 20 };
    let _ = template.with_limits(limits).render(Input::new(&Fields::new()));
});
