//! A tenant, a client and a user to begin tests with: valid, and able to do everything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    ApplicationType, AuthMethod, Branding, Client, ClientId, ConsentPolicy, CustomScope, GrantType,
    Issuer, Lifetimes, ObjectKey, Organization, RedirectUri, ResponseType, RotationPolicy, Secret,
    SigningAlgorithm, Subject, Tenant, TenantId, User,
};

/// The first redirect URI of [`client`].
pub const REDIRECT: &str = "https://rp.test/cb";

/// `team/shop` at `https://id.test/team/shop`, with the custom scope `badges`.
pub fn tenant() -> Tenant {
    let badges = CustomScope { description: "See your badges".into(), claims: vec![] };
    Tenant {
        id: TenantId::new("team", "shop"),
        issuer: Issuer::parse("https://id.test/team/shop").expect("canonical"),
        display_name: "Shop".into(),
        organization: Organization { name: "Shop".into(), id: "team/shop".into() },
        algorithms: vec![SigningAlgorithm::RS256],
        rotation: RotationPolicy::default(),
        lifetimes: Lifetimes::default(),
        scopes: BTreeMap::from([("badges".to_owned(), badges)]),
        branding: Branding::default(),
    }
}

/// A confidential web client of [`tenant`], `team.wiki`, with two redirect URIs.
pub fn client() -> Client {
    let uri = |text| RedirectUri::parse(text, ApplicationType::Web).expect("valid");
    let scopes = ["openid", "profile", "email", "offline_access", "badges"];
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
        scopes: scopes.map(str::to_owned).into(),
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

/// Alice, without a password.
pub fn user() -> User {
    User {
        object: ObjectKey::new("team", "alice"),
        username: "alice".into(),
        subject: Subject::new("alice-id"),
        password: None,
        claims: Map::from_iter([("name".to_owned(), Value::from("Alice Rivera"))]),
        groups: vec![],
        disabled: false,
    }
}
