//! Builds an immutable snapshot of the served configuration from raw objects, with a verdict on
//! every object.
//!
//! [`build_snapshot`] is pure and total: any set of objects gives a snapshot, and an invalid object affects
//! only itself. The projection and the controller both use its verdicts, so statuses always match
//! what is served.

mod account_names;
mod build;
mod client_secret;
mod conditions;
mod domain_routing;
mod enrolment_state;
mod federated_clients;
mod handle;
mod invitation;
mod linked_client;
mod passkey_people;
mod precedence;
mod prerendered;
mod project;
mod provider_outcome;
mod provider_uris;
mod registration;
mod reserved_names;
mod sealing;
mod secrets;
mod served;
mod served_client;
mod snapshot;
mod validate;
mod verdict;
mod verdicts;

pub use build::{BuildCache, build_snapshot};
pub use client_secret::{
    ClientSecretValues, EntryText, EntryTextError, SecretTemplate, SecretVariable,
};
pub use conditions::{mail_reachable_condition, reachable_condition, verdict_conditions};
pub use domain_routing::RoutedDirectory;
pub use enrolment_state::EnrolmentState;
pub use federated_clients::FederatedClients;
pub use handle::SnapshotHandle;
pub use invitation::{InvitationOutcome, InvitationState};
pub use linked_client::{LinkedClient, ProviderLinks};
pub use prerendered::PrerenderedJson;
pub use project::{SettingsReceivers, project_snapshots};
pub use provider_outcome::ProviderOutcome;
pub use provider_uris::ProviderUris;
pub use registration::{RegistrationService, ValidatedRegistration};
pub use reserved_names::{ProviderNames, ReservedNames, UserNames};
pub use sealing::discarded_keys;
pub use served::ServedTenant;
pub use snapshot::Snapshot;
pub use verdict::{
    ClientFederation, ClientOutcome, ClientSecretPlan, DesiredSecret, KeySource, ObjectOutcome,
    ResourceServerOutcome, SaltOutcome, TenantOutcome, UserOutcome, ValidationProblem, Verdict,
};
pub use verdicts::Verdicts;
