//! A checked client.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    AuthMethod, ClientDetails, ClientId, GrantType, IdTokenAlgorithm, JwsAlgorithm, Lifetimes,
    ObjectKey, RedirectUri, RefreshTokenRotation, ResponseType, Secret, SigningAlgorithm, TenantId,
    Timestamp,
};

/// One application, all defaults applied.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The `OidcClient` it comes from.
    pub object: ObjectKey,
    /// The tenant that serves it.
    pub tenant: TenantId,
    /// What people are shown.
    pub name: String,
    /// web or native.
    pub application_type: ApplicationType,
    /// Where authorization responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the browser may go after logout.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Origins that may read token and userinfo answers from a browser; may name one twice.
    pub origins: Box<[Arc<str>]>,
    /// What it may use at the token endpoint.
    pub grant_types: Arc<BTreeSet<GrantType>>,
    /// What it may ask at the authorization endpoint.
    pub response_types: Arc<BTreeSet<ResponseType>>,
    /// Scopes it may ask for; shared as the two before, since most clients have the same.
    pub scopes: Arc<BTreeSet<String>>,
    /// The one way it authenticates.
    pub auth_method: AuthMethod,
    /// Its secrets; several while one replaces another. Empty for public clients.
    pub secrets: Vec<Secret<String>>,
    /// Whether people are asked.
    pub consent: ConsentPolicy,
    /// Already bounded by the tenant's, and mostly those.
    pub lifetimes: Arc<Lifetimes>,
    /// `default_max_age` (OIDC Registration §2).
    pub default_max_age: Option<Duration>,
    /// `require_auth_time` (OIDC Registration §2).
    pub require_auth_time: bool,
    /// What it says of itself besides; shared, since most say nothing.
    pub details: Arc<ClientDetails>,
    /// Its public keys by value: a JWK Set.
    pub jwks: Option<Arc<serde_json::Value>>,
    /// Which `sub` it is told (OIDC Core §8).
    pub subject_type: SubjectType,
    /// What its pairwise subjects are made with, if it has such.
    pub pairwise: Option<Box<Pairwise>>,
    /// What its ID tokens are signed with; `None`: the tenant's default.
    pub id_token_signed_response_alg: Option<IdTokenAlgorithm>,
    /// What its userinfo answers are signed with; `None`: they are plain JSON.
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// The one algorithm that its request objects have; `None`: any but `none`.
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// The one algorithm that its assertions have; `None`: any that fits the method.
    pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
    /// What its assertions may name as audience.
    pub assertion_audience: AssertionAudience,
    /// Whether it may introspect every access token of the tenant.
    pub may_introspect_all: bool,
    /// Whether each use of a refresh token makes a new one.
    pub refresh_token_rotation: RefreshTokenRotation,
    /// What is known of its registration, if it registered itself over HTTP.
    pub registered: Option<Box<DynamicRegistration>>,
}

/// What is known of a client that registered itself (RFC 7591).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicRegistration {
    /// The hash of its registration access token; without one nobody manages it over HTTP.
    pub token_hash: Option<String>,
    /// When it registered.
    pub at: Option<Timestamp>,
    /// Whether it was ever used.
    pub used: bool,
}

impl Client {
    /// A confidential web client that may do nothing yet and says nothing of itself.
    pub fn new(id: ClientId, object: ObjectKey, tenant: TenantId) -> Self {
        Self {
            name: object.name.to_string(),
            id,
            object,
            tenant,
            application_type: ApplicationType::Web,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            origins: Box::default(),
            grant_types: Arc::default(),
            response_types: Arc::default(),
            scopes: Arc::default(),
            auth_method: AuthMethod::ClientSecretBasic,
            secrets: Vec::new(),
            consent: ConsentPolicy::Required,
            lifetimes: Arc::default(),
            default_max_age: None,
            require_auth_time: false,
            details: ClientDetails::default().shared(),
            jwks: None,
            subject_type: SubjectType::Public,
            pairwise: None,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            request_object_signing_alg: None,
            token_endpoint_auth_signing_alg: None,
            assertion_audience: AssertionAudience::IssuerOrEndpoint,
            may_introspect_all: false,
            refresh_token_rotation: RefreshTokenRotation::Always,
            registered: None,
        }
    }

    /// Whether the client cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether the client has said that it signs with its secret.
    pub fn signs_with_secret(&self) -> bool {
        sign_with_secret(self.auth_method, self.request_object_signing_alg)
    }
}

/// Whether who authenticates so, or has registered this for request objects, signs with a secret (OIDC
/// Core §9, §10.1).
pub fn sign_with_secret(method: AuthMethod, request_objects: Option<JwsAlgorithm>) -> bool {
    method == AuthMethod::ClientSecretJwt
        || (method.has_secret() && request_objects.is_some_and(JwsAlgorithm::is_symmetric))
}

/// `application_type` (OIDC Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplicationType {
    /// Runs on a server or in a browser.
    Web,
    /// Runs on a person's device.
    Native,
}

/// `subject_type` (OIDC Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectType {
    /// The same `sub` for every client.
    #[default]
    Public,
    /// A `sub` of each sector's own.
    Pairwise,
}

/// What a client's pairwise subjects are made with (OIDC Core §8.1).
#[derive(Clone, Debug)]
pub struct Pairwise {
    /// The sector identifier: a host.
    pub sector: String,
    /// The tenant's salt.
    pub salt: Secret<Vec<u8>>,
}

/// What a client assertion may name as audience (OIDC Core §9; FAPI 2.0 wants the issuer alone).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer, or the endpoint that it is sent to.
    #[default]
    IssuerOrEndpoint,
    /// The issuer's string and nothing else.
    Issuer,
}

/// Whether a person is asked before a client gets what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// Ask, and remember per user, client and scopes.
    Required,
    /// The client's owner has answered in the manifest.
    Implied,
}
