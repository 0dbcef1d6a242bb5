//! Sign-in at an identity provider: the request to it, and what its answer makes of a person.
//! Nothing is written before the answer is verified.

use std::{sync::Arc, time::Duration};

use super::{AccountContext, AccountError, people};
use crate::{
    fetch::SharedFetch,
    model::{Account, AdmissionPolicy, Endpoint, RefreshMode},
    protocol::{
        authentication::{Authentication, AuthenticationEvent, AuthenticationMethod},
        authorize::Interaction,
        identity_provider::{
            IdentityProvider, MappingError, OidcUpstream, ProviderSource, UpstreamClaims,
            counted_methods, map_account,
        },
        params::RequestParams,
        upstream::{
            CallbackError, UpstreamDemands, UpstreamRequest, UpstreamState, authorization_url,
            check_callback,
        },
    },
    upstream::{CodeExchange, UpstreamAnswer, UpstreamError, ldap::DirectoryFault},
};

/// How far the provider's clock may differ.
const TOLERANCE: Duration = Duration::from_mins(1);

/// The reason why a sign-in failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamSignInError {
    /// The store or the keys cannot be used.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The provider gives no usable answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
    /// The claims give no account, or the person is not admitted.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The claims are too large to store.
    #[error(transparent)]
    ClaimsTooLarge(#[from] people::ClaimsTooLarge),
    /// The person has not signed in again, although the application requires it.
    #[error("the provider did not let the person sign in again (auth_time)")]
    NotFresh,
    /// The subject belongs to a user of the tenant or to a client.
    #[error("the subject {0:?} is that of an OidcUser or of a client of the tenant")]
    SubjectTaken(String),
    /// The provider admits declared people only.
    #[error("no OidcUser names the person {0:?} in its identities")]
    NotDeclared(String),
    /// The OidcUser who declares the person is disabled.
    #[error("the OidcUser with the username {0:?}, who declares the person, is disabled")]
    Disabled(String),
    /// A URL of the provider cannot be used.
    #[error("the provider's authorization_endpoint is not a URL")]
    BadEndpoint,
}

/// The kind of an [`UpstreamSignInError`], for the page that the person sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInProblem<'a> {
    /// A rule refuses the person, with a message if the operator wrote one.
    Refused(Option<&'a str>),
    /// Nobody declared the person.
    NotDeclared,
    /// The person is in no required organization.
    NotInOrganization,
    /// The provider did not sign the person in, or the person cancelled.
    Denied,
    /// The provider does not answer now.
    Unavailable,
    /// The person did not sign in again.
    NotFresh,
    /// The claims give no account.
    Claims,
    /// The subject is another person's or a client's.
    SubjectTaken,
    /// The provider's answer cannot be used.
    Answer,
}

impl UpstreamSignInError {
    /// The kind of the error.
    pub fn problem(&self) -> SignInProblem<'_> {
        match self {
            Self::Mapping(error) if error.is_refusal() => {
                SignInProblem::Refused(error.message_for_person())
            }
            Self::Mapping(_) | Self::ClaimsTooLarge(_) => SignInProblem::Claims,
            Self::Directory(fault) if fault.is_about_person() => SignInProblem::Claims,
            Self::Directory(fault) if fault.is_transient() => SignInProblem::Unavailable,
            Self::NotDeclared(_) => SignInProblem::NotDeclared,
            Self::Disabled(_) => SignInProblem::Refused(None),
            Self::NotFresh => SignInProblem::NotFresh,
            Self::SubjectTaken(_) => SignInProblem::SubjectTaken,
            Self::Upstream(UpstreamError::NotInOrganization) => SignInProblem::NotInOrganization,
            Self::Upstream(UpstreamError::Callback(CallbackError::Refused { code, .. }))
                if code == "access_denied" =>
            {
                SignInProblem::Denied
            }
            Self::Upstream(error) if error.is_transient() => SignInProblem::Unavailable,
            Self::Directory(_) | Self::Upstream(_) | Self::BadEndpoint | Self::Account(_) => {
                SignInProblem::Answer
            }
        }
    }
}

/// A person who has signed in at a provider.
#[derive(Debug)]
pub struct UpstreamSignIn {
    /// The account.
    pub account: Arc<Account>,
    /// How and when the person proved the identity, as far as it counts here.
    pub authentication: Authentication,
}

/// Wishes of the application for the sign-in.
#[derive(Clone, Debug, Default)]
pub struct UpstreamWishes<'a> {
    /// Demands that the answer must meet.
    pub demands: UpstreamDemands,
    /// The name of the person.
    pub login_hint: Option<&'a str>,
    /// Levels of assurance.
    pub acr_values: &'a [String],
    /// Languages.
    pub ui_locales: Option<&'a str>,
}

/// The URL at the provider to send the browser to.
pub async fn begin_upstream_sign_in(
    context: AccountContext<'_>,
    fetch: &SharedFetch,
    provider: &IdentityProvider,
    interaction: Interaction,
    wishes: UpstreamWishes<'_>,
) -> Result<String, UpstreamSignInError> {
    let entropy = &context.services.entropy;
    let state = UpstreamState {
        provider: provider.name().to_owned(),
        nonce: entropy.token(),
        code_verifier: entropy.token(),
        started_at: context.now,
        demands: wishes.demands.clone(),
        interaction,
    };
    let sealed = context.seal(&state)?;
    let redirect_uri = redirect_uri(context, provider);
    match &provider.source {
        ProviderSource::Oidc(oidc) => {
            let metadata =
                context.services.upstream.metadata(fetch, (provider, oidc), context.now).await?;
            let refreshes = provider.refresh.mode == RefreshMode::Upstream;
            let scopes = if oidc.scopes.is_empty() {
                metadata.default_scopes(refreshes)
            } else {
                oidc.scopes.clone()
            };
            let request = UpstreamRequest {
                client_id: &oidc.client_id,
                redirect_uri: &redirect_uri,
                scopes: &scopes,
                sealed_state: &sealed,
                state: &state,
                login_hint: wishes.login_hint,
                acr_values: wishes.acr_values,
                ui_locales: wishes.ui_locales,
            };
            authorization_url(&metadata, request).ok_or(UpstreamSignInError::BadEndpoint)
        }
        ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => {
            Err(UpstreamSignInError::BadEndpoint)
        }
    }
}

/// Judges the answer of a provider, and stores the person.
pub async fn complete_upstream_sign_in(
    context: AccountContext<'_>,
    fetch: &SharedFetch,
    provider: &IdentityProvider,
    state: &UpstreamState,
    params: &RequestParams,
) -> Result<UpstreamSignIn, UpstreamSignInError> {
    let answer = match &provider.source {
        ProviderSource::Oidc(oidc) => {
            redeem(context, fetch, (provider, oidc), state, params).await?
        }
        ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => {
            return Err(UpstreamSignInError::BadEndpoint);
        }
    };
    if !state.demands.are_met(answer.auth_time, state.started_at, TOLERANCE) {
        return Err(UpstreamSignInError::NotFresh);
    }
    let account = admit_person(context, provider, &answer.claims).await?;
    let authentication = authentication(context, provider, &answer, &account);
    Ok(UpstreamSignIn { account: Arc::new(account), authentication })
}

/// The account of a person whom a provider has authenticated. The claims are stored.
pub(super) async fn admit_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Account, UpstreamSignInError> {
    let account = admitted_account(context, provider, claims)?;
    let claims = people::claims_json(claims)?;
    people::save_person(context, provider, &account, claims).await?;
    Ok(account)
}

/// The account of the person: that of the OidcUser who declares it, or one of its own.
fn admitted_account(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Account, UpstreamSignInError> {
    let account = map_account(provider, context.tenant_id(), claims)?;
    let identity = people::declared_identity(context, provider, claims);
    let identity = identity.ok_or_else(|| UpstreamSignInError::NotDeclared(String::new()))?;
    if let Some(declared) = context.tenant.account_by_identity(&identity) {
        if declared.disabled {
            return Err(UpstreamSignInError::Disabled(declared.username.clone()));
        }
        return Ok(people::united_account(declared, account));
    }
    if provider.admission == AdmissionPolicy::Declared {
        return Err(UpstreamSignInError::NotDeclared(identity.subject));
    }
    // A verbatim subject may not belong to another user or to a client.
    let subject = account.subject.as_str();
    let is_taken = context.tenant.account_by_subject(&account.subject).is_some()
        || context.tenant.client(subject).is_some();
    if is_taken { Err(UpstreamSignInError::SubjectTaken(subject.to_owned())) } else { Ok(account) }
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
    let response = check_callback(&metadata, params).map_err(UpstreamError::Callback)?;
    let exchange = CodeExchange {
        code: &response.code,
        code_verifier: &state.code_verifier,
        nonce: &state.nonce,
        redirect_uri: &redirect_uri(context, provider),
    };
    Ok(upstream.redeem_code(fetch, (provider, oidc), exchange, context.now).await?)
}

/// The proofs that count here: the sign-in at a provider, and what the manifest counts of its own.
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

/// The redirect URI of a provider at the tenant.
fn redirect_uri(context: AccountContext<'_>, provider: &IdentityProvider) -> String {
    Endpoint::ProviderCallback.url_with(&context.tenant.tenant.issuer, provider.name())
}
