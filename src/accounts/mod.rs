//! The services of accounts for a tenant: its clients, people, sign-ins, sessions, grants, tokens, and messages to
//! them. Each folder has one part (ARCHITECTURE.md).
//!
//! Must not: know of HTTP. Endpoints translate between requests and these functions.

pub(crate) mod clients;
mod context;
pub(crate) mod cross_device_flows;
mod detached_context;
mod error;
pub(crate) mod factors;
pub(crate) mod grants;
pub(crate) mod invitations;
mod mail;
mod outbound_clients;
pub(crate) mod outbox;
pub(crate) mod passwords;
pub(crate) mod people;
pub(crate) mod records;
mod revocation;
pub(crate) mod sessions;
pub(crate) mod token_grants;
pub(crate) mod tokens;
pub(crate) mod upstream;

pub use clients::registrations::Registrations;
pub use context::{AccountContext, AccountServices};
pub use error::{AccountError, RequestError};
pub use grants::grant_counts::GrantCounts;
pub use invitations::invitation_links::StoredInvitations;
pub use mail::mail_delivery::{MailDelivery, run_mail_delivery};
pub use outbox::backchannel_logout::{LogoutNotifier, run_notifier};
pub use outbox::logout_outbox::LogoutOutbox;
pub use outbox::mail_outbox::MailOutbox;
pub use outbox::ping_delivery::{PingDelivery, run_ping_delivery};
pub use outbox::ping_outbox::PingOutbox;
pub use records::vault_resealing::VaultResealer;
pub use revocation::ended_users::EndedUserWatch;
pub use sessions::session_key_cache::SessionKeyCache;
pub use tokens::refresh_replays::StoredRefreshReplays;
