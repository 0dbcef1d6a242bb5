//! Fetches and verifies request objects before the request is validated (OIDC Core §6.3).

use super::RequestClients;
use crate::{
    accounts::clients::client_jws,
    http::{AppState, Request},
    model::{Client, JwsAlgorithm},
    protocol::{
        authorization_details::check_details_claim,
        authorize::{
            self, AuthorizeError,
            request_object::{self, RequestObject},
        },
        client_auth::ClientVerificationKey,
        error::OAuthError,
        jwt::UnverifiedJwt,
        params::RequestParams,
    },
};

/// Maximum length of a request object that is fetched from a `request_uri`, in bytes.
const MAX_BYTES: usize = 32 * 1024;

/// The parameters of a request, including those of its request object.
pub(in crate::http::endpoints) async fn open_request_object(
    (app, request): (&AppState, &Request),
    clients: &RequestClients<'_>,
    params: RequestParams,
) -> Result<RequestParams, AuthorizeError> {
    if params.get("request").or(params.get("request_uri")).is_none() {
        return Ok(params);
    }
    let tenant = &request.tenant.tenant;
    let opening = authorize::identify_client_and_redirect(tenant, clients, &params)?;
    let client = &opening.client;
    let object = match request_object::find_request_object(&params, tenant, client) {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(params),
        Err(error) => return Err(opening.request_object_error(error)),
    };
    let (jws, jwt) = match read(app, request, client, &object).await {
        Ok(read) => read,
        Err(error) => return Err(opening.request_object_error(error)),
    };
    let verified = verify(app, request, client, (&object, &jws, &jwt)).await;
    let vouched_for = verified.is_ok();
    let issuer = &tenant.issuer;
    let merge =
        |()| request_object::merge_request_object(&params, &jwt, client, issuer, request.now);
    let members_are_unique = |()| check_details_claim(&jws);
    verified.and_then(members_are_unique).and_then(merge).map_err(|error| {
        let answered = request_object::error_response_params(&params, &jwt, vouched_for);
        opening.answered(tenant, &answered).request_object_error(error)
    })
}

/// Rule: the request object must be authenticated in the way that the client registered (OIDC Core
/// §6.1).
async fn verify(
    app: &AppState,
    request: &Request,
    client: &Client,
    (object, jws, jwt): (&RequestObject, &str, &UnverifiedJwt),
) -> Result<(), OAuthError> {
    request_object::check_request_object_algorithm(client, jwt, object)?;
    if jwt.algorithm == JwsAlgorithm::None {
        return Ok(());
    }
    let key = if jwt.algorithm.is_symmetric() {
        ClientVerificationKey::Secrets(client.authentication.secrets())
    } else {
        ClientVerificationKey::PublicKeys(client)
    };
    let verified = client_jws::verify_client_jwt(app.context(request), key, (jws, jwt)).await;
    verified.map_err(|error| request_object::request_object_unusable(&error.to_string()))
}

/// Reads a request object and its unverified claims.
async fn read(
    app: &AppState,
    request: &Request,
    client: &Client,
    object: &RequestObject,
) -> Result<(String, UnverifiedJwt), OAuthError> {
    let jws = match object {
        RequestObject::Given(jws) => jws.clone(),
        RequestObject::At(uri) => fetch(app, request, client, uri).await?,
    };
    let jwt = UnverifiedJwt::read(&jws)
        .ok_or_else(|| request_object::request_object_unusable("no JWT"))?;
    Ok((jws, jwt))
}

async fn fetch(
    app: &AppState,
    request: &Request,
    client: &Client,
    uri: &str,
) -> Result<String, OAuthError> {
    let fetch = app.http_client(request);
    let tenant = &request.tenant.tenant.id;
    let content = app.request_object_cache.get(&fetch, (tenant, uri), MAX_BYTES, request.now).await;
    let content =
        content.map_err(|error| request_object::request_object_unreachable(&error.to_string()))?;
    request_object::check_content_hash(client, uri, &content)?;
    let text = std::str::from_utf8(&content).map(|text| text.trim().to_owned());
    text.map_err(|_| request_object::request_object_unreachable("not text"))
}
