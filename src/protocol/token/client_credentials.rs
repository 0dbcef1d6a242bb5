//! Tokens for a client that acts for itself (RFC 6749 §4.4).

use super::TokenDecision;
use crate::{model::Client, protocol::scope};

/// Decides about a request of `client_credentials`. No grant is stored.
pub fn decide_client_credentials(client: &Client) -> TokenDecision {
    // It gets neither an ID token nor a refresh token (RFC 6749 §4.4.3).
    TokenDecision { scopes: scope::default_request_scopes(client), user: None }
}
