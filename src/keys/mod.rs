//! Signing keys and sealing keys: storage formats, rotation plans, signing, verification and
//! sealing.
//!
//! Must not talk to Kubernetes or read the clock. Private keys are parsed once and reused. The
//! `rsa` crate only parses and validates keys (RUSTSEC-2023-0071); aws-lc-rs signs.

mod access_token_cache;
mod client_authorities;
mod client_certificate;
mod client_jws;
mod discarded_keys;
mod generate;
mod import;
mod jwt_type;
mod key_maker;
mod key_secret;
mod material;
mod pairwise_salt;
mod parsed_key_cache;
mod ring;
mod rotation;
mod seal;
mod sealing_keys;
mod signature_queue;
mod signer;
mod signing_key;
mod vault;
mod verified_signature_cache;

pub use access_token_cache::AccessTokenCache;
pub use client_authorities::{
    ClientAuthorities, ClientAuthoritiesError, verify_issued_certificate,
};
pub use client_certificate::{CertificateError, ParsedCertificate};
pub use client_jws::{JwsError, PublicKeys, verify_with_secret};
pub use discarded_keys::DiscardedKeys;
pub use generate::generate_key_record;
pub use import::{KeyImportError, import_keys};
pub use jwt_type::JwtType;
pub use key_maker::KeyMaker;
pub use key_secret::{
    DamagedEntry, KeyEntries, KeyRecord, KeyTimes, entry_name, read_keys, write_key,
};
pub use material::InvalidPrivateKey;
pub use pairwise_salt::{PairwiseSalt, PairwiseSaltError, new_pairwise_salt, read_salt};
pub use parsed_key_cache::ParsedKeyCache;
pub use ring::{JwtVerificationError, KeyRing};
pub use rotation::{NewKey, PlannedKey, RotationPlan, RotationRules, next_rotation, plan_rotation};
pub use seal::Sealer;
pub use sealing_keys::{
    MARKING_KEY_ENTRY, SealingKey, SealingPlan, new_marking_key, new_sealing_key,
    read_sealing_keys, sealing_plan, write_marking_key, write_sealing_key,
};
pub use signer::{Signer, SigningError};
pub use signing_key::{KeyState, SigningKey, check_key};
pub use vault::{Vault, VaultError, VaultPlace, VaultedValue, vault_plan};
pub use verified_signature_cache::{SignedAssertion, VerifiedSignatureCache};
