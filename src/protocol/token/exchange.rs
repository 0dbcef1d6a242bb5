//! Exchanges a token of a person for one for another audience (RFC 8693). A rule of the target allows it. The new
//! token names the same grant, and has no scope, lifetime or binding that the token before did not have.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    DecisionInput, GrantWrite, RefreshTokenResponse, TokenDecision, TokenRefusal, TokenTarget,
    UserGrant,
    sender::{check_actor_key, check_subject_key},
    subject_token::{MAX_ACTORS, SubjectToken, invalid_subject},
    target::{RequestedResource, requested_resource},
};
use crate::{
    model::{Account, Client, ExchangeMode, ExchangeRule, ResourceServer, ResourceServers, Tenant},
    protocol::{
        access::meets_condition,
        authorization_details::{AuthorizationDetail, granted_details},
        error::{ErrorCode, OAuthError},
        records::Grant,
        resource::ResourceContext,
        scope::Scopes,
    },
};

/// Decides about a subject token whose claims were checked, by the record of its grant. Nothing is used up: a
/// token can be exchanged again while it is valid.
pub fn decide_exchange(
    subject: &SubjectToken,
    input: DecisionInput<'_>,
) -> Result<TokenDecision, TokenRefusal> {
    let grant = input.stored.filter(|grant| grant.is_active(input.now));
    // Another object may have the ID of the client now, which is the audience of an ID token.
    let grant =
        grant.filter(|grant| !subject.is_id_token() || grant.belongs_to_client(input.client));
    let grant = grant.ok_or_else(|| {
        invalid_subject("The grant of the subject token has ended or has been revoked.")
    })?;
    check_subject_key(subject.key.as_ref(), grant.binding.as_ref(), input.keys)?;
    check_actor_key(subject.actor_key.as_ref(), input.keys)?;
    let expires_at = subject.expires_at.min(grant.ends_at);
    let longest = input.now.plus(input.client.lifetimes.access_token);
    let mut subject = SubjectToken::clone(subject);
    subject.expires_at = expires_at;
    if subject.is_id_token() {
        subject.scopes = scopes_of_client(grant, input.client);
    }
    Ok(TokenDecision {
        // The token has none of the client itself, so no ID token is issued.
        scopes: Scopes::new(),
        user: Some(UserGrant {
            id: subject.grant_id.clone(),
            grant: grant.clone(),
            gate: GrantWrite::Swap,
            needs_session: subject.is_id_token(),
            referenced_until: expires_at.min(longest),
            with_nonce: false,
            refresh_token: RefreshTokenResponse::Withheld,
            subject_token: Some(Box::new(subject)),
        }),
    })
}

/// The scopes that the client of a grant can use itself, which an ID token proves.
fn scopes_of_client(grant: &Grant, client: &Client) -> Scopes {
    let own = grant.scopes.intersection(&client.scopes);
    let of_resources = grant.resources.values().flat_map(|granted| &granted.scopes);
    own.chain(of_resources).cloned().collect()
}

/// Selects the target of an exchange: one resource server with a rule for the client and the audience of the
/// subject token. The scopes, claims and authorization details are those that the subject token gives already.
/// `grant`: that of the subject token.
pub fn exchange_target<'a, 'r>(
    context: ResourceContext<'a>,
    (subject, grant, tenant): (&SubjectToken, &Grant, &Tenant),
    requested: impl IntoIterator<Item = &'r str>,
) -> Result<TokenTarget<'a>, OAuthError> {
    let server = match requested_resource(context, requested)? {
        RequestedResource::Server(server) => server,
        RequestedResource::Issuer => {
            let text = "Tokens cannot be exchanged for tokens for the issuer.";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
        }
        RequestedResource::Absent => {
            let text = "Name the target of the new token as 'resource' or 'audience'.";
            return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
        }
    };
    if fitting_rules(server, context.servers, (context.client, subject)).next().is_none() {
        let text = format!(
            "The client may not exchange tokens for \"{}\" for tokens for \"{}\"{}. Allow it in spec.exchange.allow of ResourceServer {:?}.",
            subject.audience,
            server.identifier,
            if subject.names_actor { " with an actor token" } else { "" },
            server.object.name
        );
        return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
    }
    let scopes = subject.scopes.intersection(&server.scopes).cloned().collect();
    let claims = server.claims.iter().filter(|name| subject.discloses_claim(name, tenant)).cloned();
    let claims = Cow::Owned(claims.collect());
    let details = details_of_subject(subject, grant, server)?;
    Ok(TokenTarget { server: Some(server), scopes: Cow::Owned(scopes), claims, details })
}

/// The authorization details at a resource server that a subject token gives: those that it has, at its own audience
/// only. An ID token has none.
///
/// # Errors
///
/// The error of an invalid subject token if it has details and none of them is left: the new token would be without the
/// limits that the person saw.
fn details_of_subject(
    subject: &SubjectToken,
    grant: &Grant,
    server: &ResourceServer,
) -> Result<Vec<AuthorizationDetail>, OAuthError> {
    if !server.has_identifier(&subject.audience) || subject.details.is_empty() {
        return Ok(Vec::new());
    }
    let mut details =
        granted_details(grant, server).map_err(|error| invalid_subject(&error.public))?;
    details.retain(|detail| subject.details.contains(detail));
    if details.is_empty() {
        let text = "The authorization details of the token do not match the schema of their type any more.";
        return Err(invalid_subject(text));
    }
    Ok(details)
}

/// The rules of a resource server for a client and a subject token, in the order in which they are tried. An actor
/// token asks for delegation.
fn fitting_rules<'a>(
    server: &'a ResourceServer,
    servers: &'a ResourceServers,
    (client, subject): (&'a Client, &'a SubjectToken),
) -> impl Iterator<Item = &'a ExchangeRule> {
    let source = servers.find(&subject.audience);
    let is_source = move |name: &str| {
        name == subject.audience || source.is_some_and(|source| source.has_identifier(name))
    };
    server.exchanges.iter().filter(move |rule| {
        rule.client == client.id
            && is_source(&rule.from)
            && (rule.mode == ExchangeMode::Delegation || !subject.names_actor)
    })
}

/// The person whose token is exchanged, and the client that does so.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeParties<'a> {
    /// The tenant that issued the subject token and issues the new token.
    pub tenant: &'a Tenant,
    /// The tenant's resource servers.
    pub servers: &'a ResourceServers,
    /// The client that sends the request and acts for the user.
    pub client: &'a Client,
    /// The user that both tokens are about.
    pub account: &'a Account,
    /// The grant of the subject token.
    pub grant: &'a Grant,
}

/// Rule: the first rule whose condition the person meets allows the exchange. A condition that fails allows
/// nothing. Returns the claim `act` of the new token.
pub fn allow_exchange(
    server: &ResourceServer,
    subject: &SubjectToken,
    parties: ExchangeParties<'_>,
) -> Result<Option<Value>, OAuthError> {
    let ExchangeParties { tenant, servers, client, account, grant } = parties;
    let mut failures = Vec::new();
    for rule in fitting_rules(server, servers, (client, subject)) {
        let met = rule.condition.as_ref().map_or(Ok(true), |condition| {
            meets_condition(condition, account, (client, tenant), &grant.authentication)
        });
        match met {
            Ok(true) => return actors(rule.mode, client, subject),
            Ok(false) => {}
            Err(error) => failures.push(error.to_string()),
        }
    }
    let text = format!(
        "The rules of ResourceServer {:?} do not allow this exchange for the person.",
        server.object.name
    );
    let error = OAuthError::new(ErrorCode::InvalidTarget, text);
    if failures.is_empty() { Err(error) } else { Err(error.because(failures.join("; "))) }
}

/// The claim `act` (RFC 8693 §4.1): the client, and in it those that acted before. Impersonation adds no actor,
/// and hides none.
fn actors(
    mode: ExchangeMode,
    client: &Client,
    subject: &SubjectToken,
) -> Result<Option<Value>, OAuthError> {
    if mode == ExchangeMode::Impersonation {
        return Ok(subject.actors.clone());
    }
    if subject.actor_count() >= MAX_ACTORS {
        let text = format!("The subject token was delegated {MAX_ACTORS} times already.");
        return Err(invalid_subject(&text));
    }
    let mut actor = json!({ "sub": client.id });
    if let Some(before) = &subject.actors {
        actor["act"] = before.clone();
    }
    Ok(Some(actor))
}
