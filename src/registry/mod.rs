//! Objects in, an immutable snapshot of what is served out, and a verdict on every object.
//!
//! [`build`] is pure and total: any objects give a snapshot, and one bad object harms only itself.
//! Both loops go by it, so what a status says and what is served cannot differ.

mod build;
mod conditions;
mod handle;
mod order;
mod prepared;
mod project;
mod registration;
mod secrets;
mod served;
mod snapshot;
mod validate;
mod verdict;
mod verdicts;

pub use build::{BuildCache, build};
pub use conditions::conditions;
pub use handle::Handle;
pub use prepared::Prepared;
pub use project::project;
pub use registration::{Registrable, RegistrationDesk};
pub use served::ServedTenant;
pub use snapshot::Snapshot;
pub use verdict::{
    ClientOutcome, DesiredSecret, KeySource, Outcome, Problem, SaltOutcome, SecretShape,
    SecretWish, TenantOutcome, UserOutcome, Verdict,
};
pub use verdicts::Verdicts;
