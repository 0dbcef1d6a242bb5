//! Rules of RP-initiated logout (OIDC RP-Initiated Logout §2, §3).

use std::sync::Arc;

use serde_json::Value;

use super::{
    authorize::TenantLookup,
    error::{ErrorCode, OAuthError},
    jwt::UnverifiedJwt,
    params::RequestParams,
    records::Session,
    sid, subject,
    unregistered_uri::unregistered_uri,
};
use crate::model::{Client, IdTokenAlgorithm, Issuer, JwsAlgorithm};

/// A logout request at `end_session_endpoint` whose parameters are valid.
#[derive(Clone, Debug)]
pub struct EndSessionRequest {
    /// The requesting client, from `client_id` or the audience of `id_token_hint`.
    pub client: Option<Arc<Client>>,
    /// Whether the request has `client_id`.
    pub named: bool,
    /// `sub` and `sid` of `id_token_hint`.
    pub hint: Option<IdTokenHint>,
    /// The URL the browser is redirected to afterwards: registered, with `state` added.
    pub return_to: Option<String>,
}

/// The user and session of an ID token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    subject: String,
    sid: Option<String>,
}

/// Validates a logout request. Errors are shown as a page; none are sent by redirect.
pub fn validate_logout_request(
    params: &RequestParams,
    issuer: &Issuer,
    served: &dyn TenantLookup,
) -> Result<EndSessionRequest, OAuthError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
    params.check_duplicates()?;
    let mut hint = None;
    let mut audience = None;
    if let Some(jwt) = params.get("id_token_hint").filter(|jwt| !is_unsigned(jwt, served)) {
        // Expired ID tokens are accepted; altered ones and those of another issuer are not
        // (OIDC RP-Initiated Logout §2).
        let claims = served
            .id_token(jwt)
            .filter(|claims| claims.get("iss") == Some(&Value::from(issuer.as_str())));
        let claims =
            claims.ok_or_else(|| invalid("id_token_hint is not an ID token of this issuer."))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        audience = text("aud");
        hint = Some(IdTokenHint { subject: text("sub").unwrap_or_default(), sid: text("sid") });
    }
    let named = params.get("client_id");
    if let (Some(named), Some(audience)) = (named, &audience)
        && named != audience
    {
        return Err(invalid("client_id is not the client that the ID token was issued to."));
    }
    let client = audience.as_deref().or(named).and_then(|id| served.client(id));
    let return_to = match params.get("post_logout_redirect_uri") {
        None => None,
        Some(uri) => Some(return_to(uri, client.as_deref(), params.get("state"))?),
    };
    Ok(EndSessionRequest { client, named: named.is_some(), hint, return_to })
}

/// Returns true if the hint is an unsigned ID token of a client registered for unsigned ID tokens.
/// Anyone could have written it, so it is ignored.
fn is_unsigned(jwt: &str, served: &dyn TenantLookup) -> bool {
    let jwt = UnverifiedJwt::read(jwt).filter(|jwt| jwt.algorithm == JwsAlgorithm::None);
    let client = jwt.and_then(|jwt| served.client(jwt.text("aud")?));
    client.is_some_and(|it| it.id_token_signed_response_alg == Some(IdTokenAlgorithm::None))
}

/// Rule: the redirect target is identical to a registered URI (OIDC RP-Initiated Logout §3).
fn return_to(
    uri: &str,
    client: Option<&Client>,
    state: Option<&str>,
) -> Result<String, OAuthError> {
    let invalid = |text: &str| OAuthError::new(ErrorCode::InvalidRequest, text);
    let client = client
        .ok_or_else(|| invalid("post_logout_redirect_uri requires id_token_hint or client_id."))?;
    if !client.all_post_logout_redirect_uris().any(|registered| registered.as_str() == uri) {
        let registered = ("postLogoutRedirectUris", &*client.post_logout_redirect_uris);
        return Err(unregistered_uri(client, ("post_logout_redirect_uri", uri), registered));
    }
    let Some(state) = state else { return Ok(uri.to_owned()) };
    let gap = if uri.contains('?') { '&' } else { '?' };
    let state: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
    Ok(format!("{uri}{gap}state={state}"))
}

/// Rule: a request with an ID token of the current session ends it at once. Any other request needs
/// the user's confirmation (OIDC RP-Initiated Logout §2).
pub fn needs_confirmation(request: &EndSessionRequest, session: &Session) -> bool {
    let same = |hint: &IdTokenHint| {
        let local = &session.authentication.subject;
        let (subject, sid) = request.client.as_deref().map_or_else(
            || (local.clone(), session.sid.clone()),
            |client| {
                (
                    subject::subject_for_client(client, local),
                    sid::sid_for_client(client, &session.sid),
                )
            },
        );
        hint.subject == subject.as_str() && hint.sid.as_deref() == Some(sid.as_str())
    };
    !request.hint.as_ref().is_some_and(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApplicationType, RedirectUri, fixtures};

    #[test]
    fn browsers_are_redirected_only_to_registered_uris() {
        // OIDC RP-Initiated Logout §3: unlike redirect URIs, the port must match.
        let bye = "http://127.0.0.1/bye";
        let uri = RedirectUri::parse(bye, ApplicationType::Native).expect("valid");
        assert!(uri.matches("http://127.0.0.1:8888/bye"), "as a redirect URI");
        let client = Client { post_logout_redirect_uris: vec![uri], ..fixtures::client() };
        assert_eq!(return_to(bye, Some(&client), None).ok().as_deref(), Some(bye));
        for other in ["http://127.0.0.1:8888/bye", "http://127.0.0.1/bye/", "http://localhost/bye"]
        {
            assert!(return_to(other, Some(&client), None).is_err(), "{other}");
        }
        let refused = return_to("http://127.0.0.1:8888/bye", Some(&client), None);
        let said = refused.expect_err("refused").public;
        assert!(said.contains("differs in the port"), "{said}");
        assert!(said.contains("postLogoutRedirectUris"), "{said}");
    }
}
