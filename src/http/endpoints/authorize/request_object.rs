//! Fetching and verifying request objects, before the request is judged (OIDC Core §6.3).

use crate::{
    http::{App, Failure, Request, clients},
    model::{Client, JwsAlgorithm},
    protocol::{
        authorize::{
            self,
            request_object::{self, RequestObject},
        },
        error::OAuthError,
        jwt::Unverified,
        params::Params,
    },
};

use super::refuse;

/// Largest request object.
const LARGEST: usize = 32 * 1024;

/// The parameters of a request, those of its object among them.
pub(super) async fn open(app: &App, request: &Request, params: Params) -> Result<Params, Failure> {
    if params.get("request").or(params.get("request_uri")).is_none() {
        return Ok(params);
    }
    let tenant = &request.tenant.tenant;
    let opening = authorize::open(tenant, &*request.tenant, &params);
    let opening = opening.map_err(|error| refuse(tenant, error))?;
    let merged = merge(app, request, &opening.client, &params).await;
    merged.map_err(|error| refuse(tenant, opening.refuse(error)))
}

async fn merge(
    app: &App,
    request: &Request,
    client: &Client,
    params: &Params,
) -> Result<Params, OAuthError> {
    let tenant = &request.tenant.tenant;
    let Some(object) = request_object::find(params, tenant, client)? else {
        return Ok(params.clone());
    };
    let jws = match &object {
        RequestObject::Given(jws) => jws.clone(),
        RequestObject::At(uri) => fetch(app, request, client, uri).await?,
    };
    let jwt = Unverified::read(&jws).ok_or_else(|| request_object::unusable("no JWT"))?;
    request_object::check_algorithm(client, &jwt, &object)?;
    if jwt.algorithm != JwsAlgorithm::None {
        let verified = clients::verify(app, request, client, &jws, &jwt).await;
        verified.map_err(|why| request_object::unusable(&why))?;
    }
    request_object::merge(params, &jwt, client, &tenant.issuer, request.now)
}

async fn fetch(
    app: &App,
    request: &Request,
    client: &Client,
    uri: &str,
) -> Result<String, OAuthError> {
    let content = app.request_objects.get(&app.fetch, uri, LARGEST, request.now).await;
    let content = content.map_err(|error| request_object::unreachable(&error))?;
    request_object::check_content(client, uri, &content)?;
    let text = std::str::from_utf8(&content).map(|text| text.trim().to_owned());
    text.map_err(|_| request_object::unreachable("not text"))
}
