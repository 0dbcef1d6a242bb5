//! Builds the grant and the code of a successful response (RFC 6749 §4.1.2).

use super::{AuthorizationRequest, acr};
use crate::{
    model::Timestamp,
    protocol::records::{AuthorizationCode, Grant, GrantState, Session},
};

/// Builds the grant of this request for the session's user.
pub fn grant(ask: &AuthorizationRequest, session: &Session, now: Timestamp) -> Grant {
    let longest = now.plus(ask.client.lifetimes.refresh_token_absolute);
    let mut grant = Grant {
        client: ask.client.id.clone(),
        authentication: session.authentication.clone(),
        acr: acr::reached(&ask.acr_levels, &session.authentication, &ask.acr).map(str::to_owned),
        claims: ask.claims.clone(),
        sid: Some(session.sid.clone()),
        scopes: ask.scopes.clone(),
        nonce: ask.nonce.clone(),
        wants_auth_time: ask.wants_auth_time,
        created_at: now,
        ends_at: longest,
        state: match ask.response_type {
            // The access token is issued now, and the code is still to be redeemed.
            kind if kind.has_code() && kind.has_token() => GrantState::PendingRedemption,
            _ => GrantState::Active { generation: 0, rotated_at: now },
        },
    };
    if !grant.is_offline() {
        grant.ends_at = longest.min(session.ends_at);
    }
    grant
}

/// Builds the code. Redeeming it stores `grant` under `grant_id`.
pub fn code(
    ask: &AuthorizationRequest,
    grant: Grant,
    grant_id: String,
    incarnation: String,
) -> AuthorizationCode {
    AuthorizationCode {
        grant_id,
        incarnation,
        expires_at: grant.created_at.plus(ask.client.lifetimes.code),
        grant,
        redirect_uri: ask.redirect_uri.clone(),
        code_challenge: ask.code_challenge.clone(),
        grant_stored: ask.response_type.has_token(),
    }
}
