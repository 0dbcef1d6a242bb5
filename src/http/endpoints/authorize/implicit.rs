//! Tokens straight from the authorization endpoint (OIDC Core §3.2.2.5): only for clients that list
//! these response types. An access token's grant is stored before the token exists.

use crate::{
    http::{
        App, Failure, Request, grants,
        session::Held,
        tokens::{sign, signing_key},
    },
    keys::JwtType,
    model::ResponseType,
    protocol::{
        authorize::Ask,
        claims::{AccessToken, IdToken, left_half_hash},
        records::Grant,
        scope,
    },
    telemetry::TokenKind,
};

/// The URL of a response with an ID token, and an access token where one is asked for.
pub(super) async fn tokens(
    app: &App,
    request: &Request,
    ask: &Ask,
    held: &Held,
    grant: &Grant,
) -> Result<String, Failure> {
    let (tenant, client) = (&request.tenant.tenant, &*ask.client);
    let mut access_token = None;
    if ask.response_type == ResponseType::IdTokenToken {
        let grant_id = app.entropy.id();
        let until = request.now.plus(client.lifetimes.access_token);
        if !grants::insert(app, request, (&grant_id, grant), until).await? {
            return Err(Failure::Unavailable("the id of a new grant is taken".to_owned()));
        }
        let claims = AccessToken {
            tenant,
            client,
            subject: held.user.subject.as_str(),
            scopes: &grant.scopes,
            grant_id: Some(&grant_id),
            jti: &app.entropy.id(),
        }
        .claims(request.now);
        access_token = Some(sign(app, request, JwtType::AccessToken, &claims).await?);
        app.metrics.token_issued(&tenant.id, TokenKind::AccessToken);
    }
    let algorithm = signing_key(request)?.algorithm;
    let at_hash = access_token.as_deref().map(|token| left_half_hash(algorithm, token));
    let claims = IdToken {
        tenant,
        client,
        authentication: &grant.authentication,
        with_auth_time: grant.wants_auth_time,
        sid: grant.sid.as_deref(),
        nonce: grant.nonce.as_deref(),
        at_hash: at_hash.as_deref(),
        // Without an access token there is no other way to the person's claims (§5.4).
        person: access_token.is_none().then_some((&*held.user, &grant.scopes)),
    }
    .claims(request.now);
    let id_token = sign(app, request, JwtType::IdToken, &claims).await?;
    app.metrics.token_issued(&tenant.id, TokenKind::IdToken);
    let (seconds, scope) =
        (client.lifetimes.access_token.as_secs().to_string(), scope::join(&grant.scopes));
    let mut response = vec![("id_token", id_token.as_str())];
    if let Some(token) = &access_token {
        response.extend([
            ("access_token", token.as_str()),
            ("token_type", "Bearer"),
            ("expires_in", &seconds),
            ("scope", &scope),
        ]);
    }
    Ok(ask.return_to.url(&response))
}
