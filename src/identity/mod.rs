//! People and how they prove who they are: directories, stored passwords, the pool that checks
//! them, and the limit on attempts.
//!
//! Must not: know HTTP, or keep more of a password than its stored form.

mod attempts;
mod counters;
mod directory;
mod hash;
mod pool;
mod rate;
mod sign_in;
mod stored;

pub use attempts::{Account, Admission, AttemptLimiter, Origin, place};
pub use directory::{Directory, choose_decoy, normalize_username};
pub use hash::hash_password;
pub use pool::{Busy, LONGEST_PASSWORD, PasswordPool};
pub use rate::{Allowance, RateLimiter};
pub use sign_in::{Refused, SignIn};
pub use stored::check_stored;
