//! Browser sessions: beginning one, finding it by its cookie, its clients, and the state that applications watch
//! (docs/design/state.md#session).
//!
//! Must not: know grants and tokens.

pub(crate) mod active_session;
pub(crate) mod session_clients;
pub(super) mod session_key_cache;
pub(crate) mod session_state;
