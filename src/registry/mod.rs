//! Objects in, an immutable snapshot of what is served out, and a verdict on every object.
//!
//! [`build`] is pure and total: any objects give a snapshot, and one bad object harms only itself.
//! Both loops go by it, so what a status says and what is served cannot differ.

mod build;
mod conditions;
mod handle;
mod precedence;
mod prerendered;
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
pub use handle::SnapshotHandle;
pub use prerendered::PrerenderedJson;
pub use project::project;
pub use registration::{RegistrationService, ValidatedRegistration};
pub use served::ServedTenant;
pub use snapshot::Snapshot;
pub use verdict::{
    ClientOutcome, ClientSecretPlan, DesiredSecret, KeySource, ObjectOutcome, SaltOutcome,
    SecretTemplate, TenantOutcome, UserOutcome, ValidationProblem, Verdict,
};
pub use verdicts::Verdicts;
