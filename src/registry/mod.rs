//! Objects in, an immutable snapshot of what is served out, and a verdict on every object.
//!
//! Both loops go by it, so what a status says and what is served cannot differ.

mod conditions;
mod handle;
mod snapshot;
mod verdict;

pub use conditions::conditions;
pub use handle::Handle;
pub use snapshot::{Prepared, ServedTenant, Snapshot};
pub use verdict::{
    ClientOutcome, DesiredSecret, KeySource, Outcome, Problem, SecretWish, TenantOutcome,
    UserOutcome, Verdict,
};
