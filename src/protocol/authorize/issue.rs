//! Builds the grant and the code of a successful response (RFC 6749 §4.1.2).

use super::{AuthorizationRequest, acr};
use crate::{
    model::Timestamp,
    protocol::{
        authorization_details::encode_details,
        records::{AuthorizationCode, Grant, GrantState, SenderBinding, Session, SupersededTimes},
    },
};

/// Builds the grant of this request for the session's user.
pub fn grant_for(request: &AuthorizationRequest, session: &Session, now: Timestamp) -> Grant {
    let longest = now.plus(request.client.lifetimes.refresh_token_absolute);
    let mut grant = Grant {
        client: request.client.id.clone(),
        authentication: session.authentication.clone(),
        acr: acr::reached_acr(&request.acr_levels, &session.authentication, &request.acr)
            .map(str::to_owned),
        claims: request.claims.clone(),
        sid: Some(session.sid.clone()),
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        wants_auth_time: request.wants_auth_time,
        created_at: now,
        ends_at: longest,
        state: match request.response_type {
            // The access token is issued now, and the code is still to be redeemed.
            kind if kind.has_code() && kind.has_token() => GrantState::PendingRedemption,
            _ => GrantState::Active { generation: 0, rotated_at: now },
        },
        superseded: SupersededTimes::default(),
        client_object: Some(request.client.object.clone()),
        marks: session.marks,
        origin: session.origin.clone(),
        binding: request.dpop_key.clone().map(SenderBinding::DpopKey),
        resources: request.resources.granted.clone(),
        authorization_details: encode_details(&request.resources.details),
    };
    if !grant.is_offline() {
        grant.ends_at = longest.min(session.ends_at);
    }
    grant
}

/// Builds the code. Redeeming it stores `grant` under `grant_id`.
pub fn code_for(
    request: &AuthorizationRequest,
    grant: Grant,
    grant_id: String,
    incarnation: String,
) -> AuthorizationCode {
    AuthorizationCode {
        grant_id,
        incarnation,
        expires_at: grant.created_at.plus(request.client.lifetimes.code),
        grant,
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        grant_stored: request.response_type.has_token(),
    }
}
