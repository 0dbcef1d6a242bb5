//! Sign-in at an identity provider: the request to it, and what its answer makes of a person.
//! Nothing is written before the answer is verified.

use std::sync::Arc;

use serde_json::Value;

pub use crate::accounts::people::upstream_error::{SignInProblem, UpstreamSignInError};
use crate::{
    accounts::{
        AccountContext,
        clients::pushed_requests::omit_stored_request,
        people::{person_records, upstream_credentials::client_assertion},
        records::upstream_sessions::{NewUpstreamSession, SignInSource},
        sessions::active_session::SignedInUser,
    },
    fetch::SharedFetch,
    model::{Account, AuditEvent, AuditText, Endpoint, LogoutScope, RefreshMode, Secret},
    protocol::{
        authentication::{Authentication, AuthenticationEvent, AuthenticationMethod},
        authorize::Interaction,
        identity_provider::{
            IdentityProvider, OidcUpstream, ProviderSource, UpstreamClaims, counted_methods,
            identity_of,
        },
        jwt::JWT_CLOCK_LEEWAY,
        params::RequestParams,
        records::StoredUpstreamTokens,
        upstream::{
            CallbackResponse, MAX_ID_TOKEN_HINT, MAX_PROVIDER_URL_LEN, UpstreamClientHash,
            UpstreamRequest, UpstreamRequirements, UpstreamState, authorization_url,
            check_callback, read_callback,
        },
    },
    upstream::{
        CodeExchange, UpstreamAnswer, UpstreamError, github_authorization_url, redeem_github_code,
    },
};

/// Wishes of the application for the sign-in.
#[derive(Clone, Debug, Default)]
pub struct UpstreamSignInOptions<'a> {
    /// Demands that the answer must meet.
    pub demands: UpstreamRequirements,
    /// The name of the person.
    pub login_hint: Option<&'a str>,
    /// Whether the person chooses the account.
    pub select_account: bool,
    /// `acr_values`: the levels of assurance to request, most preferred first.
    pub acr_values: &'a [String],
    /// `ui_locales` of the application's request: language tags, separated by spaces.
    pub ui_locales: Option<&'a str>,
}

/// The URL at the provider to send the browser to.
pub async fn begin_upstream_sign_in(
    context: AccountContext<'_>,
    fetch: &SharedFetch,
    provider: &IdentityProvider,
    interaction: Interaction,
    options: UpstreamSignInOptions<'_>,
) -> Result<String, UpstreamSignInError> {
    let entropy = &context.services.entropy;
    let state = UpstreamState {
        provider: provider.name().to_owned(),
        nonce: entropy.token(),
        code_verifier: entropy.token(),
        started_at: context.now,
        demands: options.demands.clone(),
        interaction: omit_stored_request(context, interaction).await?,
        party: UpstreamClientHash::of(provider),
    };
    let sealed = context.seal(&state)?;
    let redirect_uri = redirect_uri(context, provider);
    let url = match &provider.source {
        ProviderSource::Oidc(oidc) => {
            let metadata =
                context.services.upstream.metadata(fetch, (provider, oidc), context.now).await?;
            let refreshes = provider.refresh.mode == RefreshMode::Upstream;
            let scopes = if oidc.scopes.is_empty() {
                metadata.default_scopes(refreshes)
            } else {
                oidc.scopes.clone()
            };
            let account_prompt = metadata.account_prompt(oidc.account_selection);
            let request = UpstreamRequest {
                client_id: &oidc.client_id,
                redirect_uri: &redirect_uri,
                scopes: &scopes,
                further: &oidc.authorization_parameters,
                sealed_state: &sealed,
                state: &state,
                login_hint: options.login_hint,
                account_prompt: account_prompt.filter(|_| options.select_account),
                acr_values: options.acr_values,
                ui_locales: options.ui_locales,
            };
            authorization_url(&metadata, request)
        }
        ProviderSource::GitHub(github) => {
            github_authorization_url(github, (&state, &sealed), &redirect_uri, options.login_hint)
        }
        ProviderSource::Ldap(_) => None,
    };
    let url = url.ok_or(UpstreamSignInError::BadEndpoint)?;
    if url.len() > MAX_PROVIDER_URL_LEN {
        return Err(UpstreamSignInError::RequestTooLong(url.len()));
    }
    Ok(url)
}

/// Checks the answer of a provider, and stores the person.
pub async fn complete_upstream_sign_in(
    context: AccountContext<'_>,
    fetch: &SharedFetch,
    provider: &IdentityProvider,
    state: &UpstreamState,
    params: &RequestParams,
) -> Result<SignedInUser, UpstreamSignInError> {
    let answer = match &provider.source {
        ProviderSource::Oidc(oidc) => redeem(context, fetch, (provider, oidc), state, params).await,
        ProviderSource::GitHub(github) => {
            let response = read_callback(params).map_err(UpstreamError::Callback)?;
            let redirect_uri = redirect_uri(context, provider);
            let exchange = code_exchange((&response, None), state, &redirect_uri);
            redeem_github_code(fetch, github, exchange).await.map_err(Into::into)
        }
        ProviderSource::Ldap(_) => return Err(UpstreamSignInError::BadEndpoint),
    };
    let answer = answer.inspect_err(|error| {
        person_records::report_refused_person(context, provider, None, error);
    })?;
    // A provider that states no time has proved the identity just now as far as it can. That suffices
    // for the account page, because a person who cannot prove more could otherwise never sign out.
    let unstated = state.interaction.is_for_account_page().then_some(context.now);
    let auth_time = answer.auth_time.or(unstated);
    if !state.demands.are_met(auth_time, state.started_at, JWT_CLOCK_LEEWAY) {
        return Err(match auth_time {
            Some(_) => UpstreamSignInError::NotFresh,
            None => UpstreamSignInError::NoSignInTime,
        });
    }
    let account = admit_person(context, provider, &answer.claims).await?;
    let authentication = authentication(context, provider, &answer, &account);
    let source = SignInSource::Provider(Box::new(new_upstream_session(provider, answer)));
    Ok(SignedInUser::new(Arc::new(account), authentication, source))
}

/// The account of a person whom a provider has authenticated. The claims are stored.
pub(super) async fn admit_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Account, UpstreamSignInError> {
    let admitted = person_records::admitted_account(context, provider, claims)
        .and_then(|account| Ok((account, person_records::claims_json(claims)?)));
    let (account, json) = admitted.inspect_err(|error| {
        let subject = identity_of(provider, claims).ok();
        let subject = subject.as_ref().map(|identity| identity.subject.as_str());
        person_records::report_refused_person(context, provider, subject, error);
    })?;
    let saved = person_records::save_person(context, provider, &account.subject, json).await;
    let is_new = saved.map_err(UpstreamSignInError::from).inspect_err(|error| {
        let subject = Some(account.subject.as_str());
        person_records::report_refused_person(context, provider, subject, error);
    })?;
    if is_new {
        context.audit(AuditEvent::PersonAdmitted {
            provider: AuditText::new(provider.name()),
            subject: AuditText::new(account.subject.as_str()),
        });
    }
    Ok(account)
}

async fn redeem(
    context: AccountContext<'_>,
    fetch: &SharedFetch,
    (provider, oidc): (&IdentityProvider, &OidcUpstream),
    state: &UpstreamState,
    params: &RequestParams,
) -> Result<UpstreamAnswer, UpstreamSignInError> {
    let upstream = &context.services.upstream;
    let metadata = upstream.metadata(fetch, (provider, oidc), context.now).await?;
    let response = check_callback((&metadata, oidc), params).map_err(UpstreamError::Callback)?;
    let redirect_uri = redirect_uri(context, provider);
    let assertion = client_assertion(context, oidc, &metadata).await?;
    let exchange = code_exchange((&response, assertion.as_ref()), state, &redirect_uri);
    Ok(upstream.redeem_code(fetch, (provider, oidc), exchange, context.now).await?)
}

/// The code of a response with its bindings.
fn code_exchange<'a>(
    (response, client_assertion): (&'a CallbackResponse, Option<&'a Secret<String>>),
    state: &'a UpstreamState,
    redirect_uri: &'a str,
) -> CodeExchange<'a> {
    CodeExchange {
        code: &response.code,
        code_verifier: &state.code_verifier,
        nonce: &state.nonce,
        redirect_uri,
        client_assertion,
    }
}

/// The accepted proofs: the sign-in at the provider, and those of the provider's proofs that the manifest accepts.
fn authentication(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    answer: &UpstreamAnswer,
    account: &Account,
) -> Authentication {
    // The person may have signed in there long ago; `auth_time` must not be later than that.
    let at = answer.auth_time.filter(|at| *at <= context.now).unwrap_or(context.now);
    let federated = AuthenticationMethod::federated();
    let mut authentication = Authentication::by(federated, account.subject.clone(), at);
    let counted = counted_methods(&provider.assurance, answer.acr.as_deref(), &answer.amr);
    authentication.events.extend(
        counted
            .iter()
            .map(|method| AuthenticationEvent { method: AuthenticationMethod::new(method), at }),
    );
    authentication
}

/// The session that has begun at a provider. Tokens that are never used are not kept.
fn new_upstream_session(provider: &IdentityProvider, answer: UpstreamAnswer) -> NewUpstreamSession {
    let text = |name: &str| answer.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // The issuer of an ID token can differ from the configured one, which may be a template.
    let (issuer, subject) = match &provider.source {
        ProviderSource::Oidc(oidc) => (text("iss").unwrap_or(oidc.issuer.clone()), text("sub")),
        ProviderSource::GitHub(github) => {
            let id = answer.claims.get("id").map(Value::to_string);
            (github.issuer(), id)
        }
        ProviderSource::Ldap(_) => (String::new(), None),
    };
    let kept = |token: Option<Secret<String>>| token.map(|token| token.expose().clone());
    let refreshes = provider.refresh.mode == RefreshMode::Upstream;
    // An OpenID provider gives a new access token at each refresh, so only that of GitHub is kept.
    let asks_with_it = refreshes && matches!(provider.source, ProviderSource::GitHub(_));
    let signs_out = provider.logout == LogoutScope::Upstream;
    let id_token = answer.tokens.id_token.filter(|token| token.len() <= MAX_ID_TOKEN_HINT);
    NewUpstreamSession {
        provider: provider.name().to_owned(),
        issuer,
        subject: subject.unwrap_or_default(),
        sid: answer.sid,
        tokens: StoredUpstreamTokens {
            refresh_token: kept(answer.tokens.refresh_token).filter(|_| refreshes),
            access_token: kept(answer.tokens.access_token).filter(|_| asks_with_it),
            id_token: id_token.filter(|_| signs_out),
        },
    }
}

/// The redirect URI of a provider at the tenant.
fn redirect_uri(context: AccountContext<'_>, provider: &IdentityProvider) -> String {
    Endpoint::ProviderCallback.url_with(&context.tenant.tenant.issuer, provider.name())
}
