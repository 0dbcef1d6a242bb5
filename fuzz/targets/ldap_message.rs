//! Any message of a directory: it is read without a panic.
#![no_main]

use lanyard::upstream::ldap::can_read_message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = can_read_message(bytes);
});
