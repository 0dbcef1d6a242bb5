//! Any sealed value: only sealed values open, and records decode without a panic.
#![no_main]

use std::sync::LazyLock;

use lanyard::{
    keys::{KeyEntries, Sealer, new_sealing_key, write_sealing_key},
    model::{SealPurpose, SeededEntropy, TenantId, Timestamp},
    protocol::records::{AuthorizationCode, Consent, Grant, RefreshToken, SealedCode, Session, decode_record},
};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

static SEALER: LazyLock<Sealer> = LazyLock::new(|| {
    let key = new_sealing_key(&SeededEntropy::new(1), NOW, NOW);
    let entries = KeyEntries::from([write_sealing_key(&key)]);
    Sealer::from_entries(&entries).0.expect("a key")
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let tenant = TenantId::new("team", "shop");
    for purpose in [SealPurpose::Code, SealPurpose::Refresh, SealPurpose::Interaction, SealPurpose::Cookie] {
        assert!(SEALER.open(purpose, &tenant, &text).is_none());
    }
    let _ = decode_record::<AuthorizationCode>(bytes);
    let _ = decode_record::<SealedCode>(bytes);
    let _ = decode_record::<RefreshToken>(bytes);
    let _ = decode_record::<Grant>(bytes);
    let _ = decode_record::<Session>(bytes);
    let _ = decode_record::<Consent>(bytes);
});
