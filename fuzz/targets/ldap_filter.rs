//! Any text of a filter: it is parsed without a panic, and its parts say what they are.
#![no_main]

use lanyard::model::LdapFilter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(filter) = LdapFilter::parse(&String::from_utf8_lossy(bytes)) {
        assert!(!filter.without_placeholders().has_placeholder());
    }
});
