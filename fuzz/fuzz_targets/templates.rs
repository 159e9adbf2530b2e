//! A template's source before the first zero byte, messages as JSON behind it: a text or an error, in bounded time.

#![no_main]

use std::sync::Arc;

use chatmill::attribution::Attributor;
use chatmill::conversation::{Conversation, Node};
use chatmill::error::Error;
use chatmill::template::{ChatTemplate, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (source, messages) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, br#"[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]"#.as_slice()),
    };
    let Ok(source) = std::str::from_utf8(source) else { return };
    let Ok(template) = ChatTemplate::new("fuzz", source, &[("bos_token".into(), "<s>".into())]) else { return };
    let Ok(conversation) = Node::parse_json(messages).map_err(Error::from).and_then(Conversation::new) else { return };
    let variables = Vec::new();
    for add_generation_prompt in [false, true] {
        let request = Request { add_generation_prompt, ..Request::of(&conversation, &variables) };
        let _ = template.render(request);
    }
    let attributor = Attributor::new(Arc::new(template));
    if let Ok((text, Ok(attributed))) = attributor.regions(Request::of(&conversation, &variables)) {
        attributed.regions.check(&text).expect("regions cover the text");
    }
});
