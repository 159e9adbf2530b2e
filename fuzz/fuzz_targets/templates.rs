//! Random templates: the input is the source of a template, a zero byte and messages as JSON. The result is a text or
//! an error, in bounded time.

#![no_main]

use std::sync::Arc;

use chatmill::attribution::Attributor;
use chatmill::data::parse_json;
use chatmill::rows::{Conversation, TemplateVariables};
use chatmill::template::{ChatTemplate, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (source, messages) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, br#"[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]"#.as_slice()),
    };
    let Ok(source) = std::str::from_utf8(source) else { return };
    let Ok(template) = ChatTemplate::new("fuzz", source, &[("bos_token".into(), "<s>".into())]) else { return };
    let Ok(conversation) = parse_json(messages).and_then(Conversation::new) else { return };
    let variables = TemplateVariables::default();
    let request = Request::of(&conversation, &variables);
    let _ = template.text(Request { add_generation_prompt: true, ..request });
    let text = template.text(request);
    if let (Ok(rendered), Ok(text)) = (template.render(request), &text) {
        assert_eq!(&rendered.text, text);
        let mut spans = rendered.generation.iter().flatten().chain(&rendered.generation_as_transformers);
        assert!(spans.all(|span| text.get(span.clone()).is_some()), "a tag ends inside a character");
    }
    let tracked = Request { finds_written: true, ..request };
    if let (Ok(rendered), Ok(text)) = (template.render(tracked), &text) {
        assert_eq!(&rendered.text, text, "the places of the template's text change the text");
        assert!(rendered.written.iter().all(|bytes| bytes.end <= text.len()), "the template wrote more than the text");
        assert!(rendered.written.windows(2).all(|pair| pair[0].end < pair[1].start), "places touch or are out of order");
    }
    let attributor = Attributor::new(Arc::new(template));
    // A trace costs more than a render, so a limit may end only one of the two.
    if let (Ok((traced, regions)), Ok(text)) = (attributor.regions(request), &text) {
        assert_eq!(&traced, text, "a trace changes the text");
        let attributed = regions.expect("the regions cover the text");
        attributed.regions.check(text).expect("the regions cover the text");
    }
});
