//! Start with a valid request, change one thing, expect one answer.

mod decide;
mod interaction;
mod issue;
mod request;
mod response;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{Ask, AuthorizeError, Served, validate};
use crate::{
    model::{
        ApplicationType, AuthMethod, Branding, Client, ClientId, ConsentPolicy, CustomScope,
        GrantType, Issuer, Lifetimes, ObjectKey, Organization, RedirectUri, ResponseType,
        RotationPolicy, Secret, SigningAlgorithm, Subject, Tenant, TenantId, Timestamp,
    },
    protocol::{
        error::{ErrorCode, OAuthError},
        params::Params,
        records::{Authentication, Session},
    },
};

const REDIRECT: &str = "https://rp.test/cb";
/// The challenge of RFC 7636, Appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn tenant() -> Tenant {
    let custom = CustomScope { description: "See your badges".into(), claims: vec![] };
    Tenant {
        id: TenantId::new("team", "shop"),
        issuer: Issuer::parse("https://id.test/team/shop").expect("canonical"),
        display_name: "Shop".into(),
        organization: Organization { name: "Shop".into(), id: "team/shop".into() },
        algorithms: vec![SigningAlgorithm::RS256],
        rotation: RotationPolicy::default(),
        lifetimes: Lifetimes::default(),
        scopes: BTreeMap::from([("badges".to_owned(), custom)]),
        branding: Branding::default(),
    }
}

/// A confidential web client that may do everything.
fn client() -> Client {
    let uri = |text| RedirectUri::parse(text, ApplicationType::Web).expect("valid");
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Client {
        id: ClientId::new("team.wiki"),
        object: ObjectKey::new("team", "wiki"),
        tenant: TenantId::new("team", "shop"),
        name: "Wiki".into(),
        localized_names: BTreeMap::new(),
        application_type: ApplicationType::Web,
        redirect_uris: vec![uri(REDIRECT), uri("https://rp.test/other?tab=1")],
        post_logout_redirect_uris: vec![],
        origins: BTreeSet::new(),
        grant_types: GrantType::ALL.iter().copied().collect(),
        response_types: ResponseType::ALL.iter().copied().collect(),
        scopes: words(&["openid", "profile", "email", "offline_access", "badges"]),
        auth_method: AuthMethod::ClientSecretBasic,
        secrets: vec![Secret::new("s3cret".into())],
        consent: ConsentPolicy::Required,
        lifetimes: Lifetimes::default(),
        default_max_age: None,
        require_auth_time: false,
        client_uri: None,
        logo_uri: None,
        policy_uri: None,
        tos_uri: None,
    }
}

struct World {
    tenant: Tenant,
    client: Client,
    /// The claims of the ID token `hint`, if it is one.
    hint: Option<Value>,
}

impl World {
    fn new() -> Self {
        let hint = json!({"iss": "https://id.test/team/shop", "sub": "alice-id", "exp": 0});
        Self { tenant: tenant(), client: client(), hint: Some(hint) }
    }

    fn ask(&self, query: &str) -> Result<Ask, AuthorizeError> {
        validate(&self.tenant, self, &Params::parse(query.as_bytes()))
    }
}

impl Served for World {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        (id == self.client.id.as_str()).then(|| Arc::new(self.client.clone()))
    }

    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>> {
        (jwt == "hint").then(|| self.hint.as_ref()?.as_object().cloned())?
    }
}

/// A valid request for a code, as parameters to change.
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

/// The valid request, with these parameters instead.
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

fn accepted(changes: &[(&'static str, &str)]) -> Ask {
    World::new().ask(&with(changes)).expect("the request is valid")
}

/// The code of an error that the client is told.
fn told(answer: Result<Ask, AuthorizeError>) -> ErrorCode {
    match answer {
        Err(AuthorizeError::Redirect(_, error)) => error.code,
        other => panic!("expected an error for the client, got {other:?}"),
    }
}

/// The code of an error that only the person sees.
fn shown(answer: Result<Ask, AuthorizeError>) -> ErrorCode {
    match answer {
        Err(AuthorizeError::Page(OAuthError { code, .. })) => code,
        other => panic!("expected a page, got {other:?}"),
    }
}

fn refused(changes: &[(&'static str, &str)]) -> ErrorCode {
    told(World::new().ask(&with(changes)))
}

fn session() -> Session {
    Session {
        sid: "sid-1".into(),
        authentication: Authentication {
            subject: Subject::new("alice-id"),
            auth_time: NOW.minus(Duration::from_secs(600)),
            amr: vec!["pwd".into()],
            acr: None,
        },
        created_at: NOW.minus(Duration::from_secs(600)),
        ends_at: NOW.plus(Duration::from_secs(86_400)),
        used_at: NOW,
        clients: BTreeSet::new(),
    }
}
