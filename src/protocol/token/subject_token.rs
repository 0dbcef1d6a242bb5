//! The token that is exchanged, and the rules about its claims (RFC 8693 §2.1).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    model::{Client, ClientId, ResourceServers, Tenant, Timestamp},
    protocol::{
        authorization_details::AuthorizationDetail,
        claims::{Claims, GRANT_ID_CLAIM, scope_has_claim},
        error::{ErrorCode, OAuthError},
        scope::{self, Scopes},
        sender_keys::BoundKey,
        token_holder::TokenHolder,
    },
};

/// Most actors of a token. Each delegation adds one.
pub const MAX_ACTORS: usize = 8;

/// The claims of a token that is exchanged, after its signature and claims were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectToken {
    /// `aud`: the identifier of a resource server, the issuer, or the `client_id` of an ID token.
    pub audience: String,
    /// `sub`: the user that the token is about.
    pub subject: String,
    /// The client that has the token.
    pub holder: TokenHolder,
    /// `jti` of an access token.
    pub jti: Option<String>,
    /// The ID of the grant that the token names.
    pub grant_id: String,
    /// `scope`. An ID token has the scopes of its grant.
    pub scopes: Scopes,
    /// `authorization_details` of an access token.
    pub details: Vec<AuthorizationDetail>,
    /// The time after which the new token is of no use.
    pub expires_at: Timestamp,
    /// The key that it is bound to.
    pub key: Option<BoundKey>,
    /// The key that the actor token of the request is bound to.
    pub actor_key: Option<BoundKey>,
    /// `act`: the clients that have exchanged the token already, the latest outermost (RFC 8693 §4.1).
    pub actors: Option<Value>,
    /// Whether the request has an actor token too.
    pub names_actor: bool,
    /// The names of its claims.
    claim_names: BTreeSet<String>,
    is_id_token: bool,
}

/// Returns the error for a subject or actor token that cannot be used (RFC 8693 §2.2.2).
pub fn invalid_subject(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, text)
}

/// The tenant's side of a token that is exchanged.
#[derive(Clone, Copy, Debug)]
pub struct SubjectContext<'a> {
    /// The tenant that issued the token.
    pub tenant: &'a Tenant,
    /// The tenant's resource servers.
    pub servers: &'a ResourceServers,
    /// The client that exchanges the token.
    pub client: &'a Client,
    /// The current time by the replica's own clock.
    pub now: Timestamp,
}

impl SubjectToken {
    /// Returns true for an ID token.
    pub fn is_id_token(&self) -> bool {
        self.is_id_token
    }

    /// Returns true if the token has a claim about the person, or a scope that gives it.
    pub fn discloses_claim(&self, claim: &str, tenant: &Tenant) -> bool {
        self.claim_names.contains(claim)
            || self.scopes.iter().any(|scope| scope_has_claim(tenant, scope, claim))
    }

    /// Returns true if this token or the actor token is bound to a key.
    pub fn needs_key(&self) -> bool {
        self.key.is_some() || self.actor_key.is_some()
    }

    /// The number of actors.
    pub fn actor_count(&self) -> usize {
        std::iter::successors(self.actors.as_ref(), |actor| actor.get("act")).count()
    }

    /// The parts that both kinds of tokens have.
    fn read(
        claims: &Claims,
        kind: &str,
        SubjectContext { tenant, now, .. }: SubjectContext<'_>,
    ) -> Result<Self, OAuthError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        if text("iss") != Some(tenant.issuer.as_str()) {
            return Err(invalid_subject(&format!("The {kind} was issued by another issuer.")));
        }
        let expires_at = time("exp").map(Timestamp::from_secs).filter(|exp| *exp > now);
        let expires_at =
            expires_at.ok_or_else(|| invalid_subject(&format!("The {kind} has expired.")))?;
        let key = BoundKey::of_claims(claims);
        if key.is_none() && claims.contains_key("cnf") {
            let text = format!("The {kind} is bound to its sender in a way that cannot be proven.");
            return Err(invalid_subject(&text));
        }
        let (Some(audience), Some(subject)) = (text("aud"), text("sub")) else {
            return Err(invalid_subject(&format!("The {kind} has no single audience.")));
        };
        Ok(Self {
            audience: audience.to_owned(),
            subject: subject.to_owned(),
            // The audience of an ID token is its client.
            holder: TokenHolder::of_claims(claims)
                .unwrap_or_else(|| TokenHolder::new(ClientId::new(audience))),
            jti: text("jti").map(str::to_owned),
            grant_id: text(GRANT_ID_CLAIM).unwrap_or_default().to_owned(),
            scopes: scope::parse_scopes(text("scope")),
            details: AuthorizationDetail::of_claims(claims),
            expires_at,
            key,
            actor_key: None,
            actors: claims.get("act").cloned(),
            names_actor: false,
            claim_names: claims.keys().cloned().collect(),
            is_id_token: false,
        })
    }
}

/// Rule: a client exchanges access tokens of people that were issued to it. It also exchanges tokens for its API,
/// which is the resource server whose tokens it may introspect. `claims`: of an access token whose signature was
/// verified.
pub fn check_access_subject(
    claims: &Claims,
    context: SubjectContext<'_>,
) -> Result<SubjectToken, OAuthError> {
    let token = SubjectToken::read(claims, "subject token", context)?;
    let SubjectContext { servers, client, .. } = context;
    let server = servers.find(&token.audience);
    let is_audience = server.is_some_and(|server| server.introspector.as_ref() == Some(&client.id));
    if !token.holder.is(client) && !is_audience {
        let text = "The subject token was issued to another client, and the client is not its audience: it is not in spec.introspection.clientRef of the ResourceServer.";
        return Err(invalid_subject(text));
    }
    if token.grant_id.is_empty() {
        let text = "The subject token is of a client that acts for itself; only tokens of people can be exchanged.";
        return Err(invalid_subject(text));
    }
    Ok(token)
}

/// Rule: a client exchanges ID tokens that were issued to it in a session, each under its own grant. Those of clients
/// with pairwise subjects do not name the session. `claims`: of an ID token whose signature was verified.
pub fn check_id_subject(
    claims: &Claims,
    context: SubjectContext<'_>,
) -> Result<SubjectToken, OAuthError> {
    let token = SubjectToken::read(claims, "subject token", context)?;
    let client = context.client;
    if token.audience != client.id.as_str() {
        return Err(invalid_subject("The subject token is an ID token of another client."));
    }
    if client.pairwise.is_some() {
        let text = "ID tokens of clients with pairwise subjects cannot be exchanged; send an access token.";
        return Err(invalid_subject(text));
    }
    if !claims.contains_key("sid") {
        return Err(invalid_subject("The subject token names no session."));
    }
    if token.grant_id.is_empty() {
        let text = "The subject token names no grant: it was issued before the client had the grant type of token exchange; get another one.";
        return Err(invalid_subject(text));
    }
    Ok(SubjectToken { scopes: Scopes::new(), is_id_token: true, ..token })
}

/// Rule: the client is the actor. An actor token can only prove that again: it is an access token that the client
/// got for itself. `claims`: of an access token whose signature was verified.
pub fn check_actor(
    subject: SubjectToken,
    claims: &Claims,
    context: SubjectContext<'_>,
) -> Result<SubjectToken, OAuthError> {
    let actor = SubjectToken::read(claims, "actor token", context)?;
    let client = context.client;
    let is_own = actor.holder.is(client) && actor.subject == client.id.as_str();
    if !is_own || claims.contains_key(GRANT_ID_CLAIM) {
        let text = "The actor token is not one that the client got for itself by client_credentials; the client is the actor, so omit 'actor_token'.";
        return Err(invalid_subject(text));
    }
    Ok(SubjectToken {
        expires_at: subject.expires_at.min(actor.expires_at),
        actor_key: actor.key,
        names_actor: true,
        ..subject
    })
}
