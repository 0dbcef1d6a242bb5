//! Passkeys: the checks of a relying party at registration and at sign-in (Web Authentication level 3 §7).
//! User verification is required at both. Attestation is not asked for, and a statement is skipped.

mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose_key;
mod error;
mod registration;
mod relying_party;

pub use assertion::{
    AssertionResponse, KnownCredential, LastAssertion, SignCountVerdict, VerifiedAssertion,
    check_sign_count, verify_assertion,
};
pub use cose_key::PasskeyPublicKey;
pub use error::WebauthnError;
pub use registration::{RegisteredCredential, RegistrationResponse, verify_registration};
pub use relying_party::RelyingParty;

/// Bytes of a challenge; the specification wants at least 16 (Web Authentication §13.4.3).
pub const CHALLENGE_LEN: usize = 32;
/// Bytes of a user handle: as many as it can have (Web Authentication §5.4.3).
pub const USER_HANDLE_LEN: usize = 64;
/// Maximum number of bytes of a credential ID (Web Authentication §4).
pub const MAX_CREDENTIAL_ID_LEN: usize = 1023;
/// The algorithms of keys in the order of preference, as COSE numbers: ES256, EdDSA and RS256.
pub const COSE_ALGORITHMS: [i64; 3] = [cose_key::ES256, cose_key::EDDSA, cose_key::RS256];

#[cfg(test)]
mod tests;
