//! The answer to a token request that its grant type allows: target → scopes → person → proof → gate → tokens.

use std::time::Duration;

use super::{
    GrantedTokens, TokenRequest, TokenResult, exchanged, refused_grant::refused_grant,
    token_grant::TokenGrant,
};
use crate::{
    accounts::{
        AccountContext, AccountError, RequestError,
        grants::{
            grant_validity::{self, StoredGrant},
            record_limits,
        },
        records::budgeted_records::record_makers,
        revocation::endings,
        tokens::{
            dpop_proofs::{VerifiedProof, use_proof},
            issue_plan::{
                ExchangePlan, IdTokenPlan, IssuePlan, IssuedTokens, RefreshTokenPlan, UserTokens,
            },
            signing_key_choice, token_issuer,
        },
    },
    identity::RecordMaker,
    model::{Account, ResourceServer},
    protocol::{
        authorization_details::DetailsByResource,
        error::OAuthError,
        params::RequestParams,
        resource::ResourceContext,
        scope::{self, Scopes},
        sender_keys::{BoundKey, SenderKeys},
        token::{self, GrantWrite, RefreshTokenResponse, SelectedScopes, TokenTarget, UserGrant},
    },
};

/// The answer to a request that a grant type allows.
pub(super) struct TokenIssuance<'r, 'a, G> {
    pub(super) request: TokenRequest<'a>,
    pub(super) parsed: &'r G,
    /// The allowed scopes of the client itself.
    pub(super) scopes: Scopes,
    /// The authorization details that the request names.
    pub(super) details: &'r DetailsByResource,
    /// The keys that the request proves.
    pub(super) keys: SenderKeys<'r>,
}

impl<'a, G: TokenGrant> TokenIssuance<'_, 'a, G> {
    /// The token of a client that acts for itself.
    pub(super) async fn for_client(&self, proof: Option<&mut VerifiedProof>) -> TokenResult {
        let TokenRequest { context, client, .. } = self.request;
        let resources = resources_of::<G>(self.request);
        let target = token::client_target(resources, &self.scopes, self.targets(), self.details)?;
        let key = token::select_bound_key(client, target.server, self.keys, false)?;
        let selected = self.select_scopes(&target, None)?;
        use_proof(context, record_makers(client), proof).await?;
        let plan = IssuePlan { key: key.as_ref(), ..self.access_token_plan(&target, &selected) };
        let tokens = token_issuer::issue_tokens(context, plan).await?;
        Ok(GrantedTokens { key, ..self.granted_tokens(&target, tokens, &selected) })
    }

    /// The tokens of a user's grant; `None` if the grant has changed in the meantime.
    pub(super) async fn for_user(
        &self,
        mut granted: UserGrant,
        stored: Option<&StoredGrant>,
        proof: Option<&mut VerifiedProof>,
    ) -> Result<Option<GrantedTokens>, RequestError<OAuthError>> {
        let TokenRequest { context, client, .. } = self.request;
        // The target is checked before the gate, so a refusal uses up no credential.
        let target = self.target_of(&granted)?;
        let key = self.bound_key(&granted, target.server)?;
        token::bind_public_grant(&mut granted, client, key.as_ref());
        let selected = self.select_scopes(&target, Some(&self.scopes))?;
        let user = if granted.needs_session {
            grant_validity::account_in_session(context, &granted.grant).await?
        } else {
            grant_validity::account_of_grant(context, &granted.grant).await?
        };
        let user = user.map_err(|refusal| refused_grant::<G>(&refusal))?;
        let subject_token = granted.subject_token.take();
        let actors = match (&subject_token, target.server) {
            (Some(subject), Some(server)) => {
                let of = (&granted.grant, &*user);
                exchanged::approve_exchange::<G>(self.request, (subject, server), of).await?
            }
            _ => None,
        };
        // A failure to sign must not use up the credential, so the keys are looked up first.
        signing_key_choice::check_signing_keys(context, client, target.server)?;
        let marks = endings::adopted_marks(context, granted.grant.marks, &user);
        granted.grant.marks = Some(marks);
        let person = RecordMaker::Person(user.subject.as_str());
        use_proof(context, [person], proof).await?;
        if !passes(context, &granted, stored).await? {
            return Ok(None);
        }
        let exchange = subject_token
            .as_deref()
            .map(|subject| ExchangePlan { subject, actors: actors.as_ref() });
        let plan = self.access_token_plan(&target, &selected);
        let plan = IssuePlan { exchange, key: key.as_ref(), ..plan };
        let tokens = issue_for_user(self.request, plan, &selected, (&granted, &user)).await?;
        let answer = self.granted_tokens(&target, tokens, &selected);
        Ok(Some(GrantedTokens { key, ..answer }))
    }

    /// The key that a user's access token is bound to; `None` for a bearer token.
    fn bound_key(
        &self,
        granted: &UserGrant,
        server: Option<&ResourceServer>,
    ) -> Result<Option<BoundKey>, OAuthError> {
        let subject_token = granted.subject_token.as_ref();
        let is_bound = granted.grant.binding.is_some()
            || subject_token.is_some_and(|subject| subject.needs_key());
        token::select_bound_key(self.request.client, server, self.keys, is_bound)
    }

    /// The target of the tokens of a user's grant: the issuer or a resource server.
    fn target_of<'s>(&'s self, granted: &UserGrant) -> Result<TokenTarget<'s>, OAuthError>
    where
        'a: 's,
    {
        let (resources, grant) = (resources_of::<G>(self.request), &granted.grant);
        let target = match &granted.subject_token {
            Some(subject) => {
                let of = (&**subject, grant, &self.request.context.tenant.tenant);
                token::exchange_target(resources, of, self.targets())
            }
            None => token::grant_target(resources, (grant, &self.scopes), self.targets()),
        };
        target?.narrow_details(self.details)
    }

    /// The targets that the request names, also by the types of authorization details.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let named = named_targets::<G>(self.request.params);
        named.chain(self.details.keys().map(String::as_str))
    }

    /// Selects the scopes of the tokens. `own`: those of the client itself that a person granted; `None` for a client
    /// that acts for itself.
    fn select_scopes(
        &self,
        target: &TokenTarget<'_>,
        own: Option<&Scopes>,
    ) -> Result<SelectedScopes, OAuthError> {
        let (client, asked) = (self.request.client, self.parsed.requested_scope());
        match own {
            Some(own) => token::select_token_scopes(target, own, asked),
            None => token::select_client_scopes(target, asked),
        }
        .map_err(|error| scope::with_scope_mismatch(error, client, asked, &target.scopes))
    }

    /// The plan of a response with an access token and nothing else.
    fn access_token_plan<'p>(
        &'p self,
        target: &'p TokenTarget<'_>,
        selected: &'p SelectedScopes,
    ) -> IssuePlan<'p> {
        IssuePlan {
            client: self.request.client,
            grant_type: G::GRANT_TYPE,
            scopes: &selected.access_token,
            key: None,
            server: target.server,
            claims: &target.claims,
            details: &target.details,
            access_token: true,
            code: None,
            not_after: self.parsed.not_after(),
            user: None,
            exchange: None,
        }
    }

    fn granted_tokens(
        &self,
        target: &TokenTarget<'_>,
        tokens: IssuedTokens,
        selected: &SelectedScopes,
    ) -> GrantedTokens {
        let now = self.request.context.now;
        let expires_at = tokens.access_token.as_ref().map(|token| token.expires_at);
        GrantedTokens {
            tokens,
            scopes: selected.access_token.clone(),
            details: target.details.clone(),
            key: None,
            lifetime: expires_at.map_or(Duration::ZERO, |end| end.since(now)),
            token_type: self.parsed.issued_token_type(),
        }
    }
}

pub(super) fn resources_of<G: TokenGrant>(
    TokenRequest { context, client, .. }: TokenRequest<'_>,
) -> ResourceContext<'_> {
    let served = context.tenant;
    ResourceContext {
        issuer: &served.tenant.issuer,
        servers: &served.resource_servers,
        client,
        by_exchange: G::IS_EXCHANGE,
    }
}

/// The targets that a request names.
pub(super) fn named_targets<G: TokenGrant>(params: &RequestParams) -> impl Iterator<Item = &str> {
    G::TARGETS.iter().flat_map(|name| params.all(name))
}

/// Passes the atomic gate: before it the request can be repeated; after it the credential is used.
async fn passes(
    context: AccountContext<'_>,
    granted: &UserGrant,
    stored: Option<&StoredGrant>,
) -> Result<bool, AccountError> {
    let (next, until) = ((granted.id.as_str(), &granted.grant), granted.referenced_until);
    match (granted.gate, stored) {
        (GrantWrite::Insert, _) => {
            let is_new = grant_validity::insert_grant(context, next, until).await?;
            if is_new {
                record_limits::limit_grants(context, next).await;
            }
            Ok(is_new)
        }
        (GrantWrite::Swap, None) => Ok(false),
        (GrantWrite::Swap, Some(stored)) => {
            let unchanged = granted.grant == stored.grant && stored.outlives(until);
            Ok(unchanged || grant_validity::swap_grant(context, stored, next, until).await?)
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
    let UserGrant { id: grant_id, grant, with_nonce, refresh_token, .. } = granted;
    let nonce = grant.nonce.as_deref().filter(|_| *with_nonce);
    let scopes = &selected.id_token;
    let tokens = UserTokens {
        grant_id,
        grant,
        user,
        id_token: scopes.contains("openid").then_some(IdTokenPlan { nonce, scopes }),
        refresh_token: match (refresh_token, params.get("refresh_token")) {
            (RefreshTokenResponse::Kept, Some(kept)) => RefreshTokenPlan::Kept(kept),
            (RefreshTokenResponse::Kept | RefreshTokenResponse::Current, _) => {
                RefreshTokenPlan::Current
            }
            (RefreshTokenResponse::Withheld, _) => RefreshTokenPlan::Withheld,
        },
    };
    token_issuer::issue_tokens(context, IssuePlan { user: Some(tokens), ..plan }).await
}
