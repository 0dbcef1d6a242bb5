//! A valid tenant, client and user for tests and fuzz targets, with every feature allowed.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    Account, AccountSource, ApplicationType, Branding, Client, ClientAuthentication, ClientId,
    CustomScope, GrantType, Issuer, ObjectKey, ObjectMark, Organization, PasswordState,
    RedirectUri, RefreshTokenRotation, RegistrationPolicy, RequestObjectPolicy, ResponseType,
    RotationPolicy, Secret, SecretTransport, SigningAlgorithm, Subject, Tenant,
    TenantAuthenticators, TenantId, TokenPolicy,
};
use crate::messages::Languages;

/// The first redirect URI of [`client`].
pub const REDIRECT: &str = "https://rp.test/cb";

/// `team/shop` at `https://id.test/team/shop`, with the custom scope `badges`.
pub fn tenant() -> Tenant {
    let badges = CustomScope { description: "See your badges".into(), claims: vec![] };
    Tenant {
        id: TenantId::new("team", "shop"),
        mark: ObjectMark::of("shop"),
        issuer: Issuer::parse("https://id.test/team/shop").expect("canonical"),
        internal_hosts: Arc::default(),
        upstream_hosts: Arc::default(),
        internal_url: None,
        mutual_tls_url: None,
        display_name: "Shop".into(),
        organization: Organization { name: "Shop".into(), id: "team/shop".into() },
        fapi2: None,
        algorithms: vec![SigningAlgorithm::RS256],
        key_rotation: RotationPolicy::default(),
        lifetimes: Arc::default(),
        scopes: BTreeMap::from([("badges".to_owned(), badges)]),
        branding: Branding::default(),
        languages: Languages::built_in(),
        acr_levels: vec![],
        authenticators: TenantAuthenticators::default(),
        request_objects: RequestObjectPolicy::default(),
        refresh_token_rotation: RefreshTokenRotation::default(),
        tokens: TokenPolicy::default(),
        require_pkce: false,
        require_pushed_requests: false,
        access: None,
        registration: RegistrationPolicy::default(),
        client_documents: Arc::default(),
        mail: None,
    }
}

/// A confidential web client of [`tenant`], `team.wiki`, with two redirect URIs.
pub fn client() -> Client {
    let uri = |text| RedirectUri::parse(text, ApplicationType::Web).expect("valid");
    let scopes = ["openid", "profile", "email", "offline_access", "badges"];
    let (object, tenant) = (ObjectKey::new("team", "wiki"), TenantId::new("team", "shop"));
    Client {
        name: "Wiki".into(),
        redirect_uris: vec![uri(REDIRECT), uri("https://rp.test/other?tab=1")],
        grant_types: Arc::new(GrantType::ALL.iter().copied().collect()),
        response_types: Arc::new(ResponseType::ALL.iter().copied().collect()),
        scopes: Arc::new(scopes.map(str::to_owned).into()),
        authentication: ClientAuthentication::Secret {
            transport: Some(SecretTransport::Header),
            secrets: vec![Secret::new("s3cret".into())],
        },
        ..Client::new(ClientId::new("team.wiki"), object, tenant)
    }
}

/// Alice, without a password.
pub fn user() -> Account {
    Account {
        source: AccountSource::Resource(ObjectKey::new("team", "alice")),
        username: "alice".into(),
        subject: Subject::new("alice-id"),
        claims: Map::from_iter([("name".to_owned(), Value::from("Alice Rivera"))]),
        groups: vec![],
        disabled: false,
        mark: ObjectMark::of("alice"),
        generation: 1,
        password: PasswordState::Absent,
        sign_out_before: None,
        reset_authenticators_before: None,
        identities: Box::default(),
        invitation: None,
    }
}
