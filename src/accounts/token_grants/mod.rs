//! Grants tokens at the token endpoint (RFC 6749 §3.2), by grant type.
//!
//! The steps are the same for each: parse → check client and resources → open the credential → verify the DPoP proof → decide →
//! narrow the scopes → use up the proof → pass the gate → issue. A grant type supplies only its own part (`TokenGrant`).

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;
mod refused_grant;
mod token_grant;

use std::{pin::Pin, time::Duration};

use authorization_code::AuthorizationCodeGrant;
use client_credentials::ClientCredentialsGrant;
use device_code::DeviceCodeGrant;
use refresh_token::RefreshTokenGrant;
use refused_grant::refused_grant;
use token_grant::TokenGrant;

use super::{
    AccountContext, AccountError, RequestError,
    dpop_proofs::{ReceivedProof, use_proof, verify_proof},
    endings,
    grants::{self, StoredGrant},
    issue_plan::{IdTokenPlan, IssuePlan, IssuedTokens, UserTokens},
    record_limits::{self, record_maker},
    refresh_replays, registrations, token_events, token_issuer,
};
use crate::{
    identity::RecordMaker,
    model::{Account, Client, GrantType},
    protocol::{
        claims::access_token_lifetime,
        error::OAuthError,
        params::RequestParams,
        resource::{self, ResourceContext},
        scope::{self, Scopes},
        token::{
            self, CredentialKind, DecisionInput, Gate, ReplayedCredential, SelectedScopes,
            TokenDecision, TokenRefusal, TokenTarget, UserGrant,
        },
    },
    store::{MAX_UPDATE_ATTEMPTS, RecordKind},
};

/// The supported grant types: one row each.
static GRANTS: [TokenGrantRow; 4] = [
    row::<AuthorizationCodeGrant>(),
    row::<RefreshTokenGrant>(),
    row::<ClientCredentialsGrant>(),
    row::<DeviceCodeGrant>(),
];

/// The scopes of the ID token of a client that acts for itself, which gets none.
static NO_SCOPES: Scopes = Scopes::new();

/// A token request of an authenticated client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRequest<'a> {
    /// The services and the tenant.
    pub(crate) context: AccountContext<'a>,
    /// The client.
    pub(crate) client: &'a Client,
    /// The parameters, without duplicates.
    pub(crate) params: &'a RequestParams,
    /// The DPoP proof, if one was sent.
    pub(crate) proof: Option<ReceivedProof<'a>>,
}

/// The tokens that a request got.
#[derive(Debug)]
pub(crate) struct GrantedTokens {
    /// The tokens.
    pub(crate) tokens: IssuedTokens,
    /// Their scopes.
    pub(crate) scopes: Scopes,
    /// Whether the access token is bound to a DPoP key.
    pub(crate) is_bound: bool,
    /// The lifetime of the access token.
    pub(crate) lifetime: Duration,
}

type TokenResult = Result<GrantedTokens, RequestError<OAuthError>>;
type TokenFuture<'a> = Pin<Box<dyn Future<Output = TokenResult> + Send + 'a>>;

/// A row of the table.
struct TokenGrantRow {
    grant_type: GrantType,
    serve: for<'a> fn(TokenRequest<'a>) -> TokenFuture<'a>,
}

const fn row<G: TokenGrant>() -> TokenGrantRow {
    TokenGrantRow {
        grant_type: G::GRANT_TYPE,
        serve: |request| Box::pin(serve_grant::<G>(request)),
    }
}

/// Grants the tokens of a request.
pub(crate) async fn grant_tokens(request: TokenRequest<'_>) -> TokenResult {
    let granted = (find(request.params)?.serve)(request).await?;
    registrations::mark_used(&request.context.services.registrations, request.client);
    Ok(granted)
}

/// Finds the row of a request's grant type.
fn find(params: &RequestParams) -> Result<&'static TokenGrantRow, OAuthError> {
    let name = params.require("grant_type")?;
    GRANTS.iter().find(|row| row.grant_type.as_str() == name).ok_or_else(|| {
        let supported: Vec<_> = GRANTS.iter().map(|row| row.grant_type).collect();
        token::unsupported_grant_type(name, &supported)
    })
}

async fn serve_grant<G: TokenGrant>(request: TokenRequest<'_>) -> TokenResult {
    let TokenRequest { context, client, params, proof } = request;
    let parsed = G::parse(params)?;
    token::check_grant_type(client, G::GRANT_TYPE)?;
    let resources = resources_of(request);
    // An unknown resource is refused whatever the credential is.
    let sent = || params.all("resource");
    resource::check_resources(resources, sent())?;
    let credential = parsed.open(context, client).await?;
    let mut proof = proof.map(|proof| verify_proof(context, proof, None)).transpose()?;
    let key = proof.as_ref().map(|proof| proof.key().to_owned());
    let key = key.as_deref();
    token::check_proof_is_sent(client, key)?;
    let mut needed = G::needed_grant(&credential, context.now).map(str::to_owned);
    for _ in 0..MAX_UPDATE_ATTEMPTS {
        let stored = match &needed {
            Some(id) => grants::load_grant(context, id).await?,
            None => None,
        };
        let decision = decide_and_commit::<G>(request, &credential, (stored.as_ref(), key)).await?;
        let TokenDecision { scopes: own, user: granted } = decision;
        let Some(mut granted) = granted else {
            let target = token::client_target(resources, &own, sent())?.bound_to(key)?;
            let selected = select_scopes(request, &target, &NO_SCOPES, parsed.requested_scope())?;
            use_proof(context, record_maker(client), proof.as_mut()).await?;
            let plan = access_token_plan::<G>((client, key), &target, &selected);
            let tokens = token_issuer::issue_tokens(context, plan).await?;
            return Ok(granted_tokens((client, key), &target, (tokens, selected)));
        };
        // The target is judged before the gate, so a refusal uses up no credential.
        let target =
            token::grant_target(resources, (&granted.grant, &own), sent())?.bound_to(key)?;
        let selected = select_scopes(request, &target, &own, parsed.requested_scope())?;
        let user = match granted.gate {
            Gate::Insert => grants::account_of_new_grant(context, &granted.grant).await?,
            Gate::Swap => grants::account_of_grant(context, &granted.grant).await?,
        };
        let user = user.map_err(|refusal| refused_grant::<G>(&refusal))?;
        // A failure to sign must not use up the credential, so the keys are looked up first.
        token_issuer::check_keys(context, client, target.server)?;
        let marks = endings::adopted_marks(context, granted.grant.marks, &user);
        granted.grant.marks = Some(marks);
        let person = RecordMaker::Person(user.subject.as_str());
        use_proof(context, person, proof.as_mut()).await?;
        if passes(context, &granted, stored.as_ref()).await? {
            let plan = access_token_plan::<G>((client, key), &target, &selected);
            let tokens = issue_for_user(request, plan, &selected, (&granted, &user)).await?;
            return Ok(granted_tokens((client, key), &target, (tokens, selected)));
        }
        needed = Some(granted.id);
    }
    Err(AccountError::Conflict(RecordKind::Grant).into())
}

/// Selects the scopes of the tokens. `own`: those of the client itself.
fn select_scopes(
    TokenRequest { client, .. }: TokenRequest<'_>,
    target: &TokenTarget<'_>,
    own: &Scopes,
    asked: Option<&str>,
) -> Result<SelectedScopes, OAuthError> {
    token::select_token_scopes(target, own, asked)
        .map_err(|error| scope::with_scope_mismatch(error, client, asked, &target.scopes))
}

/// The plan of a response with an access token and nothing else.
fn access_token_plan<'a, G: TokenGrant>(
    (client, key): (&'a Client, Option<&'a str>),
    target: &'a TokenTarget<'_>,
    selected: &'a SelectedScopes,
) -> IssuePlan<'a> {
    IssuePlan {
        client,
        grant_type: G::GRANT_TYPE,
        scopes: &selected.access_token,
        key,
        server: target.server,
        claims: &target.claims,
        access_token: true,
        code: None,
        user: None,
    }
}

fn granted_tokens(
    (client, key): (&Client, Option<&str>),
    target: &TokenTarget<'_>,
    (tokens, selected): (IssuedTokens, SelectedScopes),
) -> GrantedTokens {
    let lifetime = access_token_lifetime(client, target.server);
    GrantedTokens { tokens, scopes: selected.access_token, is_bound: key.is_some(), lifetime }
}

fn resources_of(TokenRequest { context, client, .. }: TokenRequest<'_>) -> ResourceContext<'_> {
    let served = context.tenant;
    ResourceContext { issuer: &served.tenant.issuer, servers: &served.resource_servers, client }
}

/// Decides. A refusal revokes the grant if a code or token was used before.
async fn decide_and_commit<G: TokenGrant>(
    TokenRequest { context, client, .. }: TokenRequest<'_>,
    credential: &G::Credential,
    (stored, key): (Option<&StoredGrant>, Option<&str>),
) -> Result<TokenDecision, RequestError<OAuthError>> {
    let AccountContext { now, store_now, .. } = context;
    let stored = stored.map(|stored| &stored.grant);
    match G::decide(credential, DecisionInput { client, stored, key, now, store_now }) {
        Ok(decision) => Ok(decision),
        Err(TokenRefusal { error, replayed }) => {
            if let Some(replayed) = replayed {
                revoke_replayed(context, client, &replayed).await?;
            }
            Err(error.into())
        }
    }
}

/// Revokes the grant of a credential that was used before, and reports it once.
async fn revoke_replayed(
    context: AccountContext<'_>,
    client: &Client,
    replayed: &ReplayedCredential,
) -> Result<(), AccountError> {
    let Some(grant) = grants::revoke_grant(context, &replayed.grant_id).await? else {
        return Ok(());
    };
    context.audit(token_events::replayed_event(client, &grant, replayed.kind));
    if replayed.kind == CredentialKind::RefreshToken
        && let Err(error) = refresh_replays::count_replay(context, client).await
    {
        tracing::warn!(client = %client.object, %error, "could not count a superseded refresh token for the client's Event");
    }
    Ok(())
}

/// Passes the atomic gate: before it the request can be repeated; after it the credential is used.
async fn passes(
    context: AccountContext<'_>,
    granted: &UserGrant,
    stored: Option<&StoredGrant>,
) -> Result<bool, AccountError> {
    let (next, until) = ((granted.id.as_str(), &granted.grant), granted.referenced_until);
    match (granted.gate, stored) {
        (Gate::Insert, _) => {
            let is_new = grants::insert_grant(context, next, until).await?;
            if is_new {
                record_limits::limit_grants(context, next).await;
            }
            Ok(is_new)
        }
        (Gate::Swap, None) => Ok(false),
        (Gate::Swap, Some(stored)) => {
            let unchanged = granted.grant == stored.grant && stored.outlives(until);
            Ok(unchanged || grants::swap_grant(context, stored, next, until).await?)
        }
    }
}

/// Issues every token that a grant permits now. `plan` is that of its access token.
async fn issue_for_user(
    TokenRequest { context, params, .. }: TokenRequest<'_>,
    plan: IssuePlan<'_>,
    selected: &SelectedScopes,
    (granted, user): (&UserGrant, &Account),
) -> Result<IssuedTokens, AccountError> {
    let UserGrant { id: grant_id, grant, with_nonce, keeps_refresh_token, .. } = granted;
    let nonce = grant.nonce.as_deref().filter(|_| *with_nonce);
    let scopes = &selected.id_token;
    let tokens = UserTokens {
        grant_id,
        grant,
        user,
        id_token: scopes.contains("openid").then_some(IdTokenPlan { nonce, scopes }),
        kept_refresh_token: params.get("refresh_token").filter(|_| *keeps_refresh_token),
    };
    token_issuer::issue_tokens(context, IssuePlan { user: Some(tokens), ..plan }).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::error::ErrorCode;

    #[test]
    fn every_grant_type_of_the_token_endpoint_has_a_row() {
        let at_token_endpoint = |it: &&GrantType| **it != GrantType::Implicit;
        let known: Vec<_> = GrantType::ALL.iter().filter(at_token_endpoint).collect();
        assert_eq!(known.len(), GRANTS.len());
        assert!(known.iter().all(|known| GRANTS.iter().any(|row| row.grant_type == **known)));
    }

    #[test]
    fn finds_the_grant_type() {
        // RFC 6749 §5.2
        let found = |text: &str| {
            let found = find(&RequestParams::parse(text.as_bytes()));
            found.map(|row| row.grant_type).map_err(|error| error.code)
        };
        assert_eq!(found("x=1"), Err(ErrorCode::InvalidRequest));
        assert_eq!(found("grant_type=password"), Err(ErrorCode::UnsupportedGrantType));
        assert_eq!(found("grant_type=implicit"), Err(ErrorCode::UnsupportedGrantType));
        let own = found("grant_type=client_credentials&scope=a");
        assert_eq!(own, Ok(GrantType::ClientCredentials));
    }
}
