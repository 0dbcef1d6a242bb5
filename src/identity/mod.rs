//! Users and password sign-in: directories, stored passwords, the threads that verify them, and the
//! throttling of attempts, of applications too.
//!
//! Must not use HTTP, or keep passwords in any form other than the stored one.

mod backoff;
mod check_queue;
mod credential_throttle;
mod directory;
mod foreign_hash;
mod hash;
mod login_throttle;
mod password_hash;
mod password_strength;
mod password_verifier;
mod rate;
mod record_budget;
mod refilling_budget;
mod sign_in;

pub use backoff::{BackoffCounter, BackoffPolicy};
pub use credential_throttle::{CredentialThrottle, ThrottledCredential};
pub use directory::{AccountLookup, choose_decoy, decoy_index};
pub use foreign_hash::ForeignHash;
pub use hash::hash_password;
pub use login_throttle::{AttemptPermit, AttemptSource, LoginThrottle, ThrottledAccount};
pub use password_hash::{StoredPasswordError, parse_stored_password};
pub use password_strength::{MIN_PASSWORD_CHARS, WeakPassword, check_new_password};
pub use password_verifier::{PasswordQueueFull, PasswordVerifier};
pub use rate::{RateLimitClass, RateLimiter};
pub use record_budget::{RecordBudget, RecordMaker, record_units};
pub use refilling_budget::RefillingBudget;
pub use sign_in::{PasswordSignIn, SignInError};
