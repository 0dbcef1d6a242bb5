//! Sessions, grants, consents and tokens of a tenant's users: stored, looked up, issued and ended.
//!
//! Must not: know of HTTP. Endpoints translate between requests and these functions.

mod backchannel_logout;
pub(crate) mod client_authentication;
pub(crate) mod codes;
pub(crate) mod consents;
mod context;
mod detached_context;
mod directory;
pub(crate) mod directory_sign_in;
mod ended_users;
mod endings;
pub(crate) mod entry;
mod error;
mod grant_counts;
pub(crate) mod grants;
pub(crate) mod interactions;
pub(crate) mod issue_plan;
mod logout_outbox;
mod outbox;
mod people;
mod person_refresh;
pub(crate) mod record_limits;
mod refresh_replays;
pub(crate) mod registrations;
pub(crate) mod session_clients;
mod session_end;
mod session_key_cache;
mod session_record;
pub(crate) mod session_state;
pub(crate) mod sessions;
mod signed_in_account;
pub(crate) mod token_events;
pub(crate) mod token_grants;
pub(crate) mod token_issuer;
pub(crate) mod token_lookup;
mod undelivered_logouts;
mod unscheduled_logouts;
mod upstream_credentials;
mod upstream_error;
pub(crate) mod upstream_logout;
mod upstream_refresh;
mod upstream_session_end;
mod upstream_session_record;
pub(crate) mod upstream_sessions;
pub(crate) mod upstream_sign_in;
pub(crate) mod upstream_sign_out;

pub use backchannel_logout::{LogoutNotifier, run_notifier};
pub use context::{AccountContext, AccountServices};
pub use ended_users::EndedUserWatch;
pub use error::{AccountError, RequestError};
pub use grant_counts::GrantCounts;
pub use logout_outbox::LogoutOutbox;
pub use refresh_replays::StoredRefreshReplays;
pub use registrations::Registrations;
pub use session_key_cache::SessionKeyCache;
