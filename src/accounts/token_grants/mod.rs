//! Grants tokens at the token endpoint (RFC 6749 §3.2), by grant type.
//!
//! The steps are the same for each: parse → check client and resources → open the credential → verify the DPoP proof →
//! decide → narrow the scopes → check the person → use up the proof → pass the gate → issue. A grant type supplies only
//! its own part (`TokenGrant`).
//!
//! Must not: let a grant type skip a step.

mod authorization_code;
mod client_grants;
mod exchanged;
mod polled_grants;
mod refresh_token;
mod refused_grant;
mod replayed;
mod token_answer;
mod token_exchange;
mod token_grant;

use std::{pin::Pin, time::Duration};

use authorization_code::AuthorizationCodeGrant;
use client_grants::{ClientCredentials, ClientGrant, JwtBearer};
use polled_grants::{CibaGrant, DeviceCodeGrant, PolledGrant};
use refresh_token::RefreshTokenGrant;
use token_answer::{TokenIssuance, named_targets, resources_of};
use token_exchange::TokenExchangeGrant;
use token_grant::TokenGrant;

use super::{
    AccountContext, AccountError, RequestError,
    clients::registrations,
    grants::grant_validity::{self, StoredGrant},
    tokens::{
        dpop_proofs::{ReceivedProof, verify_proof},
        issue_plan::IssuedTokens,
    },
};
use crate::{
    model::{Client, ClientCertificate, GrantType},
    protocol::{
        authorization_details::{AUTHORIZATION_DETAILS, AuthorizationDetail},
        error::OAuthError,
        params::RequestParams,
        resource,
        scope::Scopes,
        sender_keys::{BoundKey, SenderKeys},
        token::{self, DecisionInput, TokenDecision, TokenRefusal, TokenTypeIdentifier},
    },
    store::{MAX_UPDATE_ATTEMPTS, RecordKind},
};

/// The supported grant types: one row each.
static GRANTS: [TokenGrantRow; 7] = [
    row::<AuthorizationCodeGrant>(),
    row::<RefreshTokenGrant>(),
    row::<ClientGrant<ClientCredentials>>(),
    row::<PolledGrant<DeviceCodeGrant>>(),
    row::<PolledGrant<CibaGrant>>(),
    row::<TokenExchangeGrant>(),
    row::<ClientGrant<JwtBearer>>(),
];

/// A token request of an authenticated client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRequest<'a> {
    /// The services and the tenant.
    pub(crate) context: AccountContext<'a>,
    /// The client that has authenticated, or a public client.
    pub(crate) client: &'a Client,
    /// The parameters, without duplicates.
    pub(crate) params: &'a RequestParams,
    /// The DPoP proof, if one was sent.
    pub(crate) proof: Option<ReceivedProof<'a>>,
    /// The certificate of the connection, if it has one.
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

/// The tokens that a request got.
#[derive(Debug)]
pub(crate) struct GrantedTokens {
    /// The access token, and the ID token and refresh token if they were issued.
    pub(crate) tokens: IssuedTokens,
    /// The scopes of the tokens.
    pub(crate) scopes: Scopes,
    /// The authorization details of the access token (RFC 9396 §7).
    pub(crate) details: Vec<AuthorizationDetail>,
    /// The key that the access token is bound to.
    pub(crate) key: Option<BoundKey>,
    /// The lifetime of the access token.
    pub(crate) lifetime: Duration,
    /// `issued_token_type` of an exchange (RFC 8693 §2.2.1).
    pub(crate) token_type: Option<TokenTypeIdentifier>,
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
    registrations::mark_client_used(&request.context.services.registrations, request.client);
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
    let TokenRequest { context, client, params, proof, certificate } = request;
    let parsed = G::parse(params)?;
    token::check_grant_type(client, G::GRANT_TYPE)?;
    // An unknown resource is refused whatever the credential is, and so are wrong authorization details.
    let details = params.get(AUTHORIZATION_DETAILS);
    let (resources, named) = (resources_of::<G>(request), named_targets::<G>(params));
    let requested = resource::check_resources(resources, named, details)?;
    let credential = parsed.open(context, client).await?;
    let verify = |proof| verify_proof(context, proof, None)?.of_client(client);
    let mut proof = proof.map(verify).transpose()?;
    let dpop = proof.as_ref().map(|proof| proof.key().to_owned());
    let certificate = certificate.map(ClientCertificate::thumbprint);
    let keys = SenderKeys { dpop: dpop.as_deref(), certificate };
    token::check_proof_is_sent(client, keys)?;
    let mut needed = G::needed_grant(&credential, context.now).map(str::to_owned);
    // Not `update_record`: the user and session of a grant are read before it is written.
    for _ in 0..MAX_UPDATE_ATTEMPTS {
        let stored = match &needed {
            Some(id) => grant_validity::load_grant(context, id).await?,
            None => None,
        };
        let decision =
            decide_and_commit::<G>(request, &credential, (stored.as_ref(), keys)).await?;
        let TokenDecision { scopes, user } = decision;
        let details = &requested.details;
        let answer = TokenIssuance { request, parsed: &parsed, scopes, details, keys };
        // Boxed, so that a poll that gets no tokens does not allocate the state of issuing them.
        let Some(granted) = user else { return Box::pin(answer.for_client(proof.as_mut())).await };
        let id = granted.id.clone();
        let issued = Box::pin(answer.for_user(granted, stored.as_ref(), proof.as_mut()));
        if let Some(tokens) = issued.await? {
            return Ok(tokens);
        }
        needed = Some(id);
    }
    Err(AccountError::Conflict(RecordKind::Grant).into())
}

/// Decides. A refusal revokes the grant if a code or token was used before.
async fn decide_and_commit<G: TokenGrant>(
    TokenRequest { context, client, .. }: TokenRequest<'_>,
    credential: &G::Credential,
    (stored, keys): (Option<&StoredGrant>, SenderKeys<'_>),
) -> Result<TokenDecision, RequestError<OAuthError>> {
    let AccountContext { now, store_now, .. } = context;
    let stored = stored.map(|stored| &stored.grant);
    match G::decide(credential, DecisionInput { client, stored, keys, now, store_now }) {
        Ok(decision) => Ok(decision),
        Err(TokenRefusal { error, replayed }) => {
            if let Some(replayed) = replayed {
                replayed::revoke_replayed(context, client, &replayed).await?;
            }
            Err(error.into())
        }
    }
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
