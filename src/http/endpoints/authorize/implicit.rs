//! Tokens issued by the authorization endpoint (OIDC Core §3.2.2.5, §3.3.2.5), only for clients
//! that register such response types. The grant of an access token is stored before the token is
//! issued.

use crate::{
    accounts::{
        grants,
        sessions::ActiveSession,
        token_issuer::{self, IdTokenContext},
    },
    http::{AppState, EndpointError, Request},
    protocol::{authorize::AuthorizationRequest, records::Grant, scope},
};

/// The request, user and session that artifacts are issued for.
#[derive(Clone, Copy)]
pub(super) struct AuthorizationIssueContext<'a> {
    pub(super) ask: &'a AuthorizationRequest,
    pub(super) held: &'a ActiveSession,
    pub(super) grant: &'a Grant,
    /// The id of the grant that both the code and the access token contain.
    pub(super) grant_id: &'a str,
}

/// The code and access token issued with an ID token.
#[derive(Clone, Copy)]
pub(super) struct IssuedArtifacts<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) access_token: Option<&'a str>,
}

/// Stores the grant, then signs an access token that contains its id.
pub(super) async fn access_token(
    app: &AppState,
    request: &Request,
    offer: AuthorizationIssueContext<'_>,
) -> Result<String, EndpointError> {
    let AuthorizationIssueContext { ask, grant, grant_id, .. } = offer;
    let lifetimes = &ask.client.lifetimes;
    let until = request.now.plus(lifetimes.access_token.max(lifetimes.code));
    if !grants::insert(app.context(request), (grant_id, grant), until).await? {
        return Err(EndpointError::Unavailable("the id of a new grant already exists".to_owned()));
    }
    let named = Some((grant_id, grant));
    Ok(token_issuer::access_token(app.context(request), &ask.client, &grant.scopes, named).await?)
}

/// An ID token issued with these artifacts (OIDC Core §3.3.2.11).
pub(super) async fn id_token(
    app: &AppState,
    request: &Request,
    offer: AuthorizationIssueContext<'_>,
    given: IssuedArtifacts<'_>,
) -> Result<String, EndpointError> {
    let AuthorizationIssueContext { ask, held, grant, .. } = offer;
    // Without a code or access token, the client cannot get the user's claims elsewhere (§5.4).
    let alone = given.code.is_none() && given.access_token.is_none();
    let about = IdTokenContext {
        user: &held.user,
        scopes: alone.then_some(&grant.scopes),
        nonce: grant.nonce.as_deref(),
        access_token: given.access_token,
        code: given.code,
    };
    Ok(token_issuer::id_token(app.context(request), &ask.client, grant, about).await?)
}

/// The parameters of the response (RFC 6749 §4.1.2, §4.2.2; OIDC Core §3.3.2.5).
pub(super) fn response(
    offer: AuthorizationIssueContext<'_>,
    given: IssuedArtifacts<'_>,
    id_token: Option<&str>,
) -> Vec<(&'static str, String)> {
    let mut response = Vec::new();
    response.extend(given.code.map(|code| ("code", code.to_owned())));
    response.extend(id_token.map(|token| ("id_token", token.to_owned())));
    if let Some(token) = given.access_token {
        let seconds = offer.ask.client.lifetimes.access_token.as_secs();
        response.extend([
            ("access_token", token.to_owned()),
            ("token_type", "Bearer".to_owned()),
            ("expires_in", seconds.to_string()),
            ("scope", scope::join(&offer.grant.scopes)),
        ]);
    }
    response
}
