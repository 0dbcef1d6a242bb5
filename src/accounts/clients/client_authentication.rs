//! Client authentication, shared by all endpoints at which clients authenticate.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use super::{
    client_certificates,
    client_documents::{DocumentClientError, load_document_client},
    client_jws::verify_client_jwt,
    client_jws_error::ClientJwsError,
    federated_authentication,
};
use crate::{
    accounts::{
        AccountContext, AccountError, RequestError,
        records::budgeted_records::{insert_within_budget, marker_record, record_makers},
    },
    identity::ThrottledCredential,
    model::{
        AuditCause, AuditEvent, AuditText, AuthMethod, Client, ClientCertificate, ClientCredential,
        Endpoint, ThrottledAttempt, are_unguessable,
    },
    protocol::{
        client_auth::{
            self, AcceptedAudiences, ClientAuthError, ClientAuthFailure, Credentials,
            CredentialsCheck, PendingAssertion,
        },
        error::OAuthError,
        params::RequestParams,
        session::CLOCK_SKEW,
    },
    store::RecordKind,
};

/// The parts of a request that authenticate its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAuthenticationRequest<'a> {
    /// The `Authorization` header (RFC 6749 §2.3.1); `None` if the request has none.
    pub(crate) authorization: Option<&'a str>,
    /// The parameters of the body.
    pub(crate) params: &'a RequestParams,
    /// The endpoint that received the request.
    pub(crate) endpoint: Endpoint,
    /// The address that sent the request.
    pub(crate) address: IpAddr,
    /// The certificate of the connection, if it has one.
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

/// Returns true if the grant of a request authenticates the client.
fn is_by_grant(request: ClientAuthenticationRequest<'_>) -> bool {
    request.endpoint == Endpoint::Token && client_auth::has_grant_assertion(request.params)
}

/// Authenticates the client of a request by its registered method. Wrong secrets are counted, and
/// delay further attempts of their client and address. A refusal is reported.
pub(crate) async fn authenticate_client(
    context: AccountContext<'_>,
    request: ClientAuthenticationRequest<'_>,
) -> Result<Arc<Client>, RequestError<ClientAuthError>> {
    let authenticated = match authenticate_by_method(context, request).await {
        Err(RequestError::Refused(refused)) if is_by_grant(request) => {
            Err(RequestError::Refused(refused.of_grant()))
        }
        other => other,
    };
    if let Err(RequestError::Refused(refused)) = &authenticated {
        let sent = client_auth::sent_client_id(request.authorization, request.params, |id| {
            context.tenant.client(id).is_some()
        });
        context.audit(refused_event(context, sent.as_deref(), refused));
    }
    authenticated
}

/// The event of a refusal.
fn refused_event<'a>(
    context: AccountContext<'_>,
    client_id: Option<&'a str>,
    refused: &'a ClientAuthError,
) -> AuditEvent<'a> {
    if let ClientAuthFailure::Throttled(wait) = refused.failure {
        let attempt = ThrottledAttempt::ClientAuthentication;
        return AuditEvent::throttled_attempt(attempt, client_id, wait);
    }
    let client = client_id.and_then(|id| context.tenant.client(id));
    let error = &refused.error;
    AuditEvent::ClientAuthenticationFailed {
        client_id: client_id.map(AuditText::new),
        client: client.map(|client| AuditText::new(client.object.to_string())),
        credential: ClientCredential::Client,
        cause: Some(AuditCause::new(error.private.as_deref().unwrap_or(&error.public).to_owned())),
    }
}

async fn authenticate_by_method(
    context: AccountContext<'_>,
    request: ClientAuthenticationRequest<'_>,
) -> Result<Arc<Client>, RequestError<ClientAuthError>> {
    let is_client = |id: &str| context.tenant.client(id).is_some();
    let credentials = if is_by_grant(request) {
        client_auth::parse_grant_assertion(request.authorization, request.params)?
    } else {
        client_auth::parse_credentials(request.authorization, request.params, is_client)?
    };
    let credentials = match request.certificate {
        Some(_) => credentials.with_certificate(),
        None => credentials,
    };
    let cluster = match credentials.federated() {
        Some(_) => context.services.cluster_tokens.issuer(context.now).await,
        None => None,
    };
    let cluster = cluster.as_deref();
    let client = federated_authentication::identify_client(context.tenant, &credentials, cluster)?;
    let client = with_document(context, client).await?;
    let client = client.as_deref();
    if !credentials.can_be_guessed() {
        return check(context, client, (&credentials, cluster), request).await;
    }
    let credential = ThrottledCredential {
        tenant: context.tenant_id(),
        client: credentials.client_id.as_deref(),
        exists: client.is_some(),
        address: request.address,
    };
    let throttle = &context.services.credential_throttle;
    let wait = throttle.admit(credential, context.now).err();
    // A secret that cannot be guessed passes, so that wrong attempts cannot keep an application out
    // that seems to have the same address.
    let passes = client.is_some_and(|client| are_unguessable(client.authentication.secrets()));
    if let Some(wait) = wait.filter(|_| !passes) {
        return Err(client_auth::throttled_client_error(wait).into());
    }
    let checked = check(context, client, (&credentials, None), request).await;
    match &checked {
        Ok(_) => throttle.succeeded(credential),
        Err(RequestError::Refused(refused))
            if refused.failure == ClientAuthFailure::WrongSecret =>
        {
            if let Some(wait) = wait {
                return Err(client_auth::throttled_client_error(wait).into());
            }
            throttle.failed(credential, context.now);
        }
        Err(_) => {}
    }
    checked
}

/// The client with its metadata document, if one describes it.
async fn with_document<'a>(
    context: AccountContext<'_>,
    client: Option<Cow<'a, Arc<Client>>>,
) -> Result<Option<Cow<'a, Arc<Client>>>, ClientAuthError> {
    let id = client.as_ref().filter(|client| client.is_described_by_document());
    let Some(id) = id.map(|client| client.id.clone()) else { return Ok(client) };
    match load_document_client(context, id.as_str()).await {
        Ok(client) => Ok(client.map(Cow::Owned)),
        Err(DocumentClientError::Refused(error)) => Err(ClientAuthError::refused(error, false)),
        Err(DocumentClientError::Throttled(error, _, wait)) => {
            let failure = ClientAuthFailure::Throttled(wait);
            Err(ClientAuthError { error, challenge: false, failure })
        }
    }
}

async fn check(
    context: AccountContext<'_>,
    client: Option<&Arc<Client>>,
    (credentials, cluster): (&Credentials, Option<&str>),
    ClientAuthenticationRequest { endpoint, certificate, .. }: ClientAuthenticationRequest<'_>,
) -> Result<Arc<Client>, RequestError<ClientAuthError>> {
    match client_auth::check_credentials(client, credentials)? {
        CredentialsCheck::Authenticated(client) => Ok(Arc::clone(client)),
        CredentialsCheck::Assertion(assertion) => {
            redeem_assertion(context, assertion, endpoint).await?;
            Ok(Arc::clone(assertion.client))
        }
        CredentialsCheck::Certificate(client) => {
            let verified = client_certificates::verify_certificate(context, client, certificate);
            verified
                .await
                .map_err(|error| ClientAuthError::refused(error, credentials.challenge()))?;
            Ok(Arc::clone(client))
        }
        CredentialsCheck::Federated(pending) => {
            let from = (credentials.client_id.is_some(), cluster);
            let verified = federated_authentication::verify_federated(context, pending, from).await;
            match verified {
                Ok(()) => Ok(Arc::clone(pending.client)),
                Err(RequestError::Refused(error)) => {
                    Err(ClientAuthError::refused(error, false).into())
                }
                Err(RequestError::Failed(error)) => Err(error.into()),
            }
        }
        CredentialsCheck::OtherMethod(assertion) => {
            let PendingAssertion { client, key, jws, jwt, .. } = assertion;
            verify_client_jwt(context, key, (jws.expose(), jwt))
                .await
                .map_err(|error| unverified(&error))?;
            let method = AuthMethod::ClientSecretJwt;
            let error = client_auth::not_the_registered_method(client, method);
            Err(ClientAuthError::refused(error, false).into())
        }
    }
}

/// Verifies signature and claims, then passes the atomic gate: an assertion is accepted once across
/// all replicas.
async fn redeem_assertion(
    context: AccountContext<'_>,
    assertion: PendingAssertion<'_>,
    endpoint: Endpoint,
) -> Result<(), RequestError<ClientAuthError>> {
    let refused = |error: OAuthError| ClientAuthError::refused(error, false);
    let PendingAssertion { client, key, policy, jws, jwt } = assertion;
    verify_client_jwt(context, key, (jws.expose(), jwt))
        .await
        .map_err(|error| unverified(&error))?;
    let tenant = &context.tenant.tenant;
    let issuer = &tenant.issuer;
    let internal: Vec<String> = tenant
        .other_urls()
        .flat_map(|url| {
            let of = |endpoint: Endpoint| endpoint.path().map(|path| format!("{url}{path}"));
            [of(Endpoint::Token), of(endpoint), Some(url)]
        })
        .flatten()
        .collect();
    let audience = AcceptedAudiences {
        allowed: policy.audience,
        issuer: issuer.as_str(),
        token_endpoint: &Endpoint::Token.url(issuer),
        endpoint: &endpoint.url(issuer),
        internal: &internal,
    };
    let once =
        client_auth::check_assertion_claims(client, jwt, audience, context.now).map_err(refused)?;
    let key = context.key(RecordKind::Assertion, once.id);
    let record = marker_record(key, once.expires_at.plus(CLOCK_SKEW));
    let budget = (&context.services.assertion_budget, record_makers(client));
    match insert_within_budget(context, budget, record).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused(client_auth::reused_assertion_error()).into()),
        Err(AccountError::TooManyRecords(_, wait)) => {
            Err(client_auth::too_many_assertions(wait).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The error for an assertion whose signature is not the client's. It may be signed with a guessed
/// secret.
fn unverified(error: &ClientJwsError) -> ClientAuthError {
    ClientAuthError {
        error: client_auth::unproven_client_error(&error.to_string()),
        challenge: false,
        failure: ClientAuthFailure::WrongSecret,
    }
}
