//! The successful authorization response: a code, tokens, or both (RFC 6749 §4.1.2, OIDC Core
//! §3.2.2.5, §3.3.2.5).
//!
//! Order: add the client to the session, insert the grant of an access token (the atomic gate),
//! sign. If a step after the gate fails, the result is lost, but never issued twice.

use super::AuthorizationContext;
use crate::{
    accounts::{
        AccountContext, AccountError,
        clients::registrations,
        grants::{codes, grant_validity, record_limits},
        sessions::{
            active_session::ActiveSession,
            session_clients,
            session_state::{browser_state, session_state},
        },
        tokens::{
            issue_plan::{IdTokenPlan, IssuePlan, IssuedTokens, RefreshTokenPlan, UserTokens},
            token_issuer,
        },
    },
    http::{CookiePurpose, EndpointError, Reply},
    model::Client,
    protocol::{
        authorize,
        error::{ErrorCode, OAuthError},
        records::Grant,
        resource::ResourceContext,
        scope,
        token::{TokenTarget, grant_target},
    },
    store::RecordKind,
};

pub(super) async fn issue_authorization_response(
    authorization: &AuthorizationContext<'_>,
    session: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, authorization: requested, .. } = authorization;
    let context = app.context(request);
    if !session_clients::add_session_client(context, session, &requested.client).await? {
        let ended = OAuthError::new(ErrorCode::LoginRequired, "The session has just ended.");
        return authorization.send_error(ended);
    }
    let (client, response_type) = (&requested.client, requested.response_type);
    let grant = authorize::grant_for(requested, &session.session, request.now);
    let grant_id = app.accounts.entropy.id_at(request.now);
    let target = match access_token_target(authorization, &grant) {
        Ok(target) => target,
        Err(error) => return authorization.send_error(error),
    };
    if response_type.has_token() {
        store_grant(context, client, (&grant_id, &grant)).await?;
    }
    let code = if response_type.has_code() {
        Some(new_code(authorization, &grant, &grant_id).await?)
    } else {
        None
    };
    registrations::mark_client_used(&app.accounts.registrations, client);
    let id_token = response_type
        .has_id_token()
        .then_some(IdTokenPlan { nonce: grant.nonce.as_deref(), scopes: &grant.scopes });
    let user = UserTokens {
        grant_id: &grant_id,
        grant: &grant,
        user: &session.account,
        id_token,
        refresh_token: RefreshTokenPlan::Current,
    };
    let plan = IssuePlan {
        client,
        grant_type: response_type.grant_type(),
        scopes: &target.scopes,
        key: None,
        server: target.server,
        claims: &target.claims,
        details: &target.details,
        access_token: response_type.has_token(),
        code: code.as_deref(),
        not_after: None,
        user: Some(user),
        exchange: None,
    };
    let tokens = token_issuer::issue_tokens(context, plan).await?;
    let mut response = parameters(authorization, &target, code, tokens);
    let salt = app.accounts.entropy.id();
    let state = session_state(&requested.client, requested.return_to.uri(), session, &salt);
    response.extend(state.map(|state| ("session_state", state)));
    let response: Vec<_> = response.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = Reply::to_application(requested.return_to.response(&response));
    // The browser state that the application compares with `session_state`.
    let known = browser_state(session);
    Ok(match request.cookie(CookiePurpose::BrowserState) {
        Some(state) if state == known => reply,
        _ => reply.cookie(CookiePurpose::BrowserState, &known),
    })
}

/// The authorization code for a grant that is stored when the code is redeemed.
async fn new_code(
    authorization: &AuthorizationContext<'_>,
    grant: &Grant,
    grant_id: &str,
) -> Result<String, EndpointError> {
    let AuthorizationContext { app, request, authorization: requested, .. } = authorization;
    let incarnation = app.accounts.store.incarnation().await?;
    let code = authorize::code_for(requested, grant.clone(), grant_id.to_owned(), incarnation);
    Ok(codes::seal_code(app.context(request), code).await?)
}

/// The target of the response's access token. A response without an access token has the target of the whole grant.
fn access_token_target<'a>(
    authorization: &'a AuthorizationContext<'_>,
    grant: &'a Grant,
) -> Result<TokenTarget<'a>, OAuthError> {
    let AuthorizationContext { request, authorization: requested, .. } = authorization;
    if !requested.response_type.has_token() {
        return Ok(TokenTarget::without_access_token(grant));
    }
    let resources = ResourceContext {
        issuer: &request.tenant.tenant.issuer,
        servers: &request.tenant.resource_servers,
        client: &requested.client,
        by_exchange: false,
    };
    grant_target(resources, (grant, &grant.scopes), None)
}

/// Stores the grant of an access token, which contains the grant's id.
async fn store_grant(
    context: AccountContext<'_>,
    client: &Client,
    grant: (&str, &Grant),
) -> Result<(), AccountError> {
    let until = context.now.plus(client.lifetimes.access_token.max(client.lifetimes.code));
    let inserted = grant_validity::insert_grant(context, grant, until).await?;
    inserted.then_some(()).ok_or(AccountError::DuplicateId(RecordKind::Grant))?;
    record_limits::limit_grants(context, grant).await;
    Ok(())
}

/// The parameters of the response (RFC 6749 §4.1.2, §4.2.2; OIDC Core §3.3.2.5).
fn parameters(
    AuthorizationContext { request, .. }: &AuthorizationContext<'_>,
    target: &TokenTarget<'_>,
    code: Option<String>,
    tokens: IssuedTokens,
) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::new();
    parameters.extend(code.map(|code| ("code", code)));
    parameters.extend(tokens.id_token.map(|token| ("id_token", token)));
    if let Some(token) = tokens.access_token {
        let lifetime = token.expires_at.since(request.now);
        parameters.extend([
            ("access_token", token.jwt),
            ("token_type", "Bearer".to_owned()),
            ("expires_in", lifetime.as_secs().to_string()),
            ("scope", scope::join_scopes(&target.scopes)),
        ]);
    }
    parameters
}
