//! Any manifest: it is read without a panic, in bounded time and memory.
#![no_main]

use std::path::Path;

use lanyard::source::manifests::parse_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        // The reader catches panics of the YAML parser, and the hook of libFuzzer would abort first. A
        // panic that is not caught still ends the run.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |bytes: &[u8]| {
        let _ = parse_text(Path::new("manifest.yaml"), &String::from_utf8_lossy(bytes));
    }
);
