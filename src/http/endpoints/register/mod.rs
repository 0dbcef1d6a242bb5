//! The registration endpoint (OIDC Registration §3, RFC 7591 §3) and client configuration endpoint
//! (RFC 7592): authorize → limit → validate → write → wait until served → respond.

mod check;
mod manage;
mod wait_until_served;

pub use manage::{delete, get, put};

use std::slice;

use http::StatusCode;

use super::throttled_request::refuse_throttled_request;
use crate::{
    http::{AppState, EndpointError, Reply, Request},
    identity::{RateLimitClass, ThrottledCredential},
    model::{
        AuditCause, AuditEvent, Client, ClientCredential, Endpoint, NewClient, ObjectKey,
        REGISTERED_NAME, RegistrarError, RegistrationMode, Secret, ThrottledAttempt,
        are_unguessable,
    },
    protocol::{
        client_auth,
        error::{ErrorCode, OAuthError},
        registration::{self, RegistrationAccess, RegistrationRequest},
        userinfo::bearer_token,
    },
    registry::RegistrationService,
};

/// `POST I/oauth/register`: registers a client (RFC 7591 §3.1).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let registration = registration_service(&request)?;
    if registration.settings().mode == RegistrationMode::InitialAccessToken {
        check_initial_access_token(app, &request, registration)?;
    }
    limit(app, &request, registration, RateLimitClass::New)?;
    let sent = sent(&request)?;
    let name = format!("{REGISTERED_NAME}{}", random_name(app));
    let object = ObjectKey::new(&request.tenant.tenant.id.0.namespace, name);
    request.facts.record_client(&object);
    let found = check::validate_metadata(registration, &object, sent.spec)?;
    check::check_documents(app, &request, &found.client).await?;
    let turn = app.accounts.registrations.lock_tenant(&request.tenant.tenant.id).await;
    let registered = wait_until_served::registered_clients(app, &request);
    if registered >= usize::try_from(registration.settings().max_clients).unwrap_or(usize::MAX) {
        let text = "The maximum number of registered clients is reached.";
        let error = OAuthError::new(ErrorCode::AccessDenied, text).because(format!(
            "{registered} clients are registered, the maximum of registration.maxClients"
        ));
        return Err(EndpointError::Forbidden(error));
    }
    check_address(app, &request, registration, registered)?;
    let token = app.accounts.entropy.token();
    let new = NewClient {
        object: object.clone(),
        id: found.client.id.clone(),
        issuer: request.tenant.tenant.issuer.clone(),
        spec: found.spec,
        token_hash: registration::token_hash(&token),
        secret: secret(app, &found.client),
        at: request.now,
    };
    let registrar = registrar(app)?;
    registrar.create_registered(new).await.map_err(failure)?;
    let tenant = &request.tenant.tenant.id;
    app.accounts.registrations.registered_from(tenant, object.clone(), request.address);
    let served = wait_until_served::wait_until_served(app, &request, &found.client).await;
    drop(turn);
    let Some(client) = served else {
        // The caller gets no client ID, so the client is removed again.
        let removed = registrar.delete_registered(&object).await;
        let removed = removed.err().map(|error| format!(", nor removed: {error}"));
        return Err(EndpointError::Unavailable(format!(
            "the registered client {object} was not served in time{}",
            removed.unwrap_or_default()
        )));
    };
    app.context(&request).audit(AuditEvent::ClientRegistered { client: (&*client).into() });
    Ok(information(&request, StatusCode::CREATED, &client, &token))
}

/// Checks the initial access token. Wrong tokens are counted, and delay further attempts of the
/// address.
fn check_initial_access_token(
    app: &AppState,
    request: &Request,
    registration: &RegistrationService,
) -> Result<(), EndpointError> {
    let sent = bearer(request)?;
    let throttle = &app.accounts.credential_throttle;
    let tenant = &request.tenant.tenant.id;
    let credential =
        ThrottledCredential { tenant, client: None, exists: true, address: request.address };
    let wait = throttle.admit(credential, request.now).err();
    // A token that cannot be guessed passes, as a client secret does.
    let passes = registration.token().is_some_and(|token| are_unguessable(slice::from_ref(token)));
    let checked = registration::check_initial_access_token(registration.token(), sent);
    match (checked, wait) {
        (checked, Some(wait)) if !passes || checked.is_err() => {
            let attempt = ThrottledAttempt::InitialAccessToken;
            app.context(request).audit(AuditEvent::throttled_attempt(attempt, None, wait));
            let error = client_auth::throttled_client_error(wait).error;
            Err(EndpointError::TooManyRequests { error, retry_after: wait })
        }
        (Ok(()), _) => {
            throttle.succeeded(credential);
            Ok(())
        }
        (Err(error), _) => {
            throttle.failed(credential, request.now);
            app.context(request).audit(AuditEvent::ClientAuthenticationFailed {
                client_id: None,
                client: None,
                credential: ClientCredential::InitialAccessToken,
                cause: Some(AuditCause::new(error.public.clone())),
            });
            Err(EndpointError::Bearer(error))
        }
    }
}

/// The tenant's registration service, if registration is enabled.
fn registration_service(request: &Request) -> Result<&RegistrationService, EndpointError> {
    request.tenant.registration.as_ref().ok_or_else(|| {
        let text = "This issuer does not allow registration.";
        EndpointError::NotOffered(OAuthError::new(ErrorCode::InvalidRequest, text))
    })
}

/// Applies the rate limit per address to every write, successful or not. The token is checked first, so requests
/// without a token do not use up the limit of requests with a token.
fn limit(
    app: &AppState,
    request: &Request,
    registration: &RegistrationService,
    allowance: RateLimitClass,
) -> Result<(), EndpointError> {
    let most = registration.settings().requests_per_minute;
    let limited = (&request.tenant.tenant.id, allowance);
    let admitted =
        app.accounts.registrations.rate.admit(limited, request.address, most, request.now);
    admitted.map_err(|retry_after| {
        let attempt = ThrottledAttempt::Registration;
        let text = "Too many registrations. Try again later.";
        refuse_throttled_request(app.context(request), None, (attempt, text), retry_after)
    })
}

/// Refuses an address that has registered its share of the tenant's clients, unless an initial
/// access token vouches for the caller.
fn check_address(
    app: &AppState,
    request: &Request,
    registration: &RegistrationService,
    registered: usize,
) -> Result<(), EndpointError> {
    let settings = registration.settings();
    if settings.mode == RegistrationMode::InitialAccessToken {
        return Ok(());
    }
    let most = usize::try_from(settings.max_clients).unwrap_or(usize::MAX);
    let exists = |client: &ObjectKey| wait_until_served::has_client(app, request, client);
    let (tenant, free) = (&request.tenant.tenant.id, most.saturating_sub(registered));
    if app.accounts.registrations.permits(tenant, request.address, free, exists) {
        return Ok(());
    }
    let text = "Too many clients were registered from this address.";
    let error = OAuthError::new(ErrorCode::AccessDenied, text);
    Err(EndpointError::Forbidden(error.because(format!(
        "{} has registered its share of the {most} clients of registration.maxClients",
        request.address
    ))))
}

/// The bearer token of the `Authorization` header.
fn bearer(request: &Request) -> Result<&str, EndpointError> {
    let query = request.query_params().map_err(EndpointError::Bearer)?;
    let token = bearer_token(request.authorization(), &query, None);
    token.map_err(EndpointError::Bearer)?.ok_or(EndpointError::NoToken)
}

/// Parses the metadata in the body.
fn sent(request: &Request) -> Result<RegistrationRequest, OAuthError> {
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let text = "Send the client metadata in the body as application/json.";
        return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, text));
    }
    let tenant = &request.tenant.tenant;
    let signed_requests = tenant.fapi2.is_some_and(|rules| rules.signed_requests);
    RegistrationRequest::parse(&request.body, &tenant.algorithms, signed_requests)
}

/// Generates a client secret of the required length, if the client has one.
fn secret(app: &AppState, client: &Client) -> Option<Secret<String>> {
    let signs = client.signs_with_secret();
    let new = || if signs { app.accounts.entropy.mac_key() } else { app.accounts.entropy.token() };
    client.authentication.method().has_secret().then(|| Secret::new(new()))
}

/// 80 random bits in characters that are valid in an object's name.
fn random_name(app: &AppState) -> String {
    let mut bytes = [0; 10];
    app.accounts.entropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn registrar(app: &AppState) -> Result<&crate::model::SharedRegistrar, EndpointError> {
    let absent = || {
        EndpointError::Unavailable("the writer of registered clients is not running yet".to_owned())
    };
    app.accounts.registrations.registrar().ok_or_else(absent)
}

fn failure(error: RegistrarError) -> EndpointError {
    match error {
        RegistrarError::Refused(why) => {
            let text = "The cluster rejected the client metadata.";
            OAuthError::new(ErrorCode::InvalidClientMetadata, text).because(why).into()
        }
        RegistrarError::NotFound => {
            let text = "The registration access token is not valid for this client.";
            EndpointError::Bearer(OAuthError::new(ErrorCode::InvalidToken, text))
        }
        RegistrarError::Forbidden(_) | RegistrarError::Unavailable(_) => {
            EndpointError::Unavailable(format!("registration: {error}"))
        }
    }
}

/// The client information response (RFC 7591 §3.2.1).
fn information(request: &Request, status: StatusCode, client: &Client, token: &str) -> Reply {
    let issuer = &request.tenant.tenant.issuer;
    let uri = Endpoint::ManageClient.url_with(issuer, client.id.as_str());
    let access = RegistrationAccess { uri: &uri, token };
    Reply::json(status, &registration::client_information_response(client, access))
        .header("pragma", "no-cache")
}
