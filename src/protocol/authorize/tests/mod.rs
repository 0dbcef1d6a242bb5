//! Tests start with a valid request, change one thing, and expect one result.

mod decide;
mod interaction;
mod issue;
mod properties;
mod request;
mod response;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{
    AuthorizationRequest, AuthorizationResponse, AuthorizeError, EncodedResponse, TenantLookup,
    validate_authorization_request,
};
use crate::{
    model::{
        ApplicationType, AuthorizationDetailsType, Client, ClientAuthentication, ConsentPolicy,
        DetailsSchema, GrantType, Lifetimes, ObjectKey, RedirectUri, ResourceServer,
        ResourceServers, ResponseType, Subject, Tenant, Timestamp,
        fixtures::{REDIRECT, client, tenant},
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::Session,
    },
};

/// The challenge of RFC 7636, Appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

struct World {
    tenant: Tenant,
    client: Client,
    /// The claims of the ID token `hint`, if it is valid.
    hint: Option<Value>,
    servers: ResourceServers,
}

impl World {
    fn new() -> Self {
        let hint = json!({"iss": "https://id.test/team/shop", "sub": "alice-id", "exp": 0});
        let servers = ResourceServers::new(vec![server("tickets"), server("other")]);
        Self { tenant: tenant(), client: client(), hint: Some(hint), servers }
    }

    fn ask(&self, query: &str) -> Result<AuthorizationRequest, AuthorizeError> {
        validate_authorization_request(&self.tenant, self, &RequestParams::parse(query.as_bytes()))
    }
}

/// A type of authorization details with an `amount`.
fn refund(server: &str) -> AuthorizationDetailsType {
    let schema = json!({ "required": ["amount"] });
    AuthorizationDetailsType {
        name: format!("{server}.refund").into(),
        display_name: "Refund".into(),
        schema: DetailsSchema::parse(schema.as_object().expect("an object")).expect("a schema"),
    }
}

/// An API that admits the client, with two scopes, a claim and a type of authorization details.
fn server(name: &str) -> Arc<ResourceServer> {
    Arc::new(ResourceServer {
        scopes: ["read".to_owned(), format!("{name}.write")].into(),
        claims: ["groups".to_owned()].into(),
        details_types: vec![refund(name)],
        clients: [client().id].into(),
        ..ResourceServer::new(ObjectKey::new("team", name), &format!("https://{name}.test"))
    })
}

impl TenantLookup for World {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        (id == self.client.id.as_str()).then(|| Arc::new(self.client.clone()))
    }

    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>> {
        (jwt == "hint").then(|| self.hint.as_ref()?.as_object().cloned())?
    }

    fn resource_servers(&self) -> &ResourceServers {
        &self.servers
    }
}

/// Returns the parameters of a valid request for a code.
fn valid() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("client_id", "team.wiki".to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("response_type", "code".to_owned()),
        ("scope", "openid profile".to_owned()),
        ("state", "s1".to_owned()),
    ])
}

fn query(params: &BTreeMap<&'static str, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// Returns the valid request with these parameters changed.
fn with(changes: &[(&'static str, &str)]) -> String {
    let mut params = valid();
    for (name, value) in changes {
        params.insert(name, (*value).to_owned());
    }
    query(&params)
}

fn without(name: &str) -> String {
    let mut params = valid();
    params.remove(name);
    query(&params)
}

fn accepted(changes: &[(&'static str, &str)]) -> AuthorizationRequest {
    World::new().ask(&with(changes)).expect("the request is valid")
}

/// Returns the code of an error sent to the client.
fn error_code(answer: Result<AuthorizationRequest, AuthorizeError>) -> ErrorCode {
    match answer {
        Err(AuthorizeError::Redirect(_, error)) => error.code,
        other => panic!("expected an error for the client, got {other:?}"),
    }
}

/// Returns the code of an error shown on a page.
fn shown(answer: Result<AuthorizationRequest, AuthorizeError>) -> ErrorCode {
    match answer {
        Err(AuthorizeError::Page(OAuthError { code, .. })) => code,
        other => panic!("expected a page, got {other:?}"),
    }
}

fn refused(changes: &[(&'static str, &str)]) -> ErrorCode {
    error_code(World::new().ask(&with(changes)))
}

fn session() -> Session {
    Session {
        sid: "sid-1".into(),
        authentication: Authentication::by(
            AuthenticationMethod::password(),
            Subject::new("alice-id"),
            NOW.minus(Duration::from_mins(10)),
        ),
        created_at: NOW.minus(Duration::from_mins(10)),
        ends_at: NOW.plus(Duration::from_hours(24)),
        used_at: NOW,
        clients: BTreeSet::new(),
        client_objects: BTreeMap::new(),
        marks: None,
        origin: None,
        browser: None,
    }
}

/// Returns the URL of a redirect response.
fn redirected(response: AuthorizationResponse) -> String {
    match response.encode() {
        EncodedResponse::Redirect(url) => url,
        EncodedResponse::Post(fields) => panic!("a form: {fields:?}"),
    }
}
