//! Any answer of an authenticator: it is judged without a panic, and none is accepted that was not signed.
#![no_main]

use lanyard::protocol::webauthn::{
    AssertionResponse, KnownCredential, PasskeyPublicKey, RegistrationResponse, RelyingParty,
    verify_assertion, verify_registration,
};
use libfuzzer_sys::fuzz_target;

const SITE: RelyingParty<'static> = RelyingParty { id: "id.test", origin: "https://id.test" };
const CHALLENGE: [u8; 32] = [7; 32];
const CREATE: &[u8] = br#"{"type":"webauthn.create","challenge":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","origin":"https://id.test"}"#;
const GET: &[u8] = br#"{"type":"webauthn.get","challenge":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","origin":"https://id.test"}"#;

fuzz_target!(|bytes: &[u8]| {
    let object = RegistrationResponse { client_data: CREATE, attestation_object: bytes };
    let registered = verify_registration(SITE, &CHALLENGE, object);
    let client = RegistrationResponse { client_data: bytes, attestation_object: &[] };
    assert!(verify_registration(SITE, &CHALLENGE, client).is_err());
    let key = PasskeyPublicKey::Ed25519(vec![9; 32]);
    let public_key = registered.as_ref().map_or(&key, |registered| &registered.public_key);
    let used = AssertionResponse { client_data: GET, authenticator_data: bytes, signature: bytes };
    let known = KnownCredential { public_key, backup_eligible: true };
    assert!(verify_assertion(SITE, &CHALLENGE, known, used).is_err());
});
