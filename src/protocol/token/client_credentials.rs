//! Tokens for a client that acts for itself (RFC 6749 §4.4).

use super::TokenDecision;
use crate::{model::Client, protocol::scope::Scopes};

/// Decides about a request of `client_credentials`. No grant is stored.
pub fn decide_client_credentials(client: &Client) -> TokenDecision {
    TokenDecision { scopes: client_scopes(client), user: None }
}

/// Rule: a client acting for itself gets its own scopes except those of user sign-ins, because it
/// gets neither an ID token nor a refresh token (§4.4.3).
fn client_scopes(client: &Client) -> Scopes {
    let mut own = Scopes::clone(&client.scopes);
    own.retain(|scope| scope != "openid" && scope != "offline_access");
    own
}
