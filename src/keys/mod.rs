//! Signing keys and sealing keys: formats, plans, signing, verifying, sealing.
//!
//! Must not: talk to Kubernetes or read the clock. Private keys are parsed once and kept ready to
//! sign; `rsa` only parses and checks (RUSTSEC-2023-0071), aws-lc-rs signs.

mod cache;
mod entry;
mod generate;
mod import;
mod jws;
mod material;
mod plan;
mod ring;
mod salt;
mod seal;
mod sealing_keys;
mod signer;
mod verified;

pub use cache::KeyCache;
pub use entry::{DamagedEntry, Entries, KeyRecord, KeyTimes, entry_name, read_keys, write_key};
pub use generate::generate;
pub use import::{ImportError, import};
pub use jws::{JwsError, PublicKeys, verify_with_secret};
pub use material::Unusable;
pub use plan::{NewKey, PlannedKey, RotationPlan, RotationRules, plan};
pub use ring::{JwtType, KeyRing, KeyState, SigningKey, VerifyError, check_key};
pub use salt::{PairwiseSalt, new_salt, read_salt};
pub use seal::{Purpose, Sealer};
pub use sealing_keys::{
    SealingKey, SealingPlan, new_sealing_key, read_sealing_keys, sealing_plan, write_sealing_key,
};
pub use signer::{SignError, Signer};
pub use verified::VerifiedTokens;
