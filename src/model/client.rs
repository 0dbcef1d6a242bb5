//! The validated client: an `OidcClient`, or the metadata document of a client, with all defaults applied.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    AccessPolicy, ApplicationType, AuthMethod, BackchannelTokenDeliveryMode, ClientAuthentication,
    ClientDetails, ClientId, ClientKeys, Fapi2Rules, FederatedCredential, GrantType,
    IdTokenAlgorithm, JwsAlgorithm, Lifetimes, ObjectKey, RedirectUri, RefreshTokenRotation,
    ResponseType, Secret, SigningAlgorithm, TenantId, Timestamp, TokenPolicy, pooled, wire_enum,
};

pooled!(BTreeSet<GrantType>, BTreeSet<ResponseType>, BTreeSet<String>);

/// An application with all defaults applied.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Client {
    /// The `client_id` (RFC 6749 §2.2).
    pub id: ClientId,
    /// The `OidcClient` object that declares it, or a key that no object has (`DocumentUrl::key`).
    pub object: ObjectKey,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The display name on the sign-in and consent pages.
    pub name: String,
    /// `application_type` (OIDC Registration §2), which decides the redirect URIs that are allowed.
    pub application_type: ApplicationType,
    /// The redirect URIs of authorization responses.
    pub redirect_uris: Vec<RedirectUri>,
    /// The identity providers of other tenants that refer to it.
    pub linked_providers: Box<[LinkedProvider]>,
    /// The URIs the browser may be redirected to after logout.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Origins allowed to read token and userinfo responses from a browser (CORS). May contain
    /// duplicates.
    pub origins: Box<[Arc<str>]>,
    /// Grant types allowed at the token endpoint. This set and the next two are interned, because
    /// most clients have equal sets.
    pub grant_types: Arc<BTreeSet<GrantType>>,
    /// Response types allowed at the authorization endpoint.
    pub response_types: Arc<BTreeSet<ResponseType>>,
    /// Scopes it may request.
    pub scopes: Arc<BTreeSet<String>>,
    /// The credential by which it authenticates at the token endpoint, or `none` for a public client.
    pub authentication: ClientAuthentication,
    /// The rules of FAPI 2.0 that it follows, by its profile or its tenant's.
    pub fapi2: Option<Fapi2Rules>,
    /// Whether the manifest of client or tenant requires PKCE, even if the client is confidential.
    pub require_pkce: bool,
    /// Whether it must push its authorization requests (RFC 9126 §5), by its own setting or the tenant's.
    pub require_pushed_requests: bool,
    /// The people who may use it, of those whom the tenant lets in.
    pub access: Option<Arc<AccessPolicy>>,
    /// The public keys of the client.
    pub keys: ClientKeys,
    /// The identities of other issuers that authenticate it.
    pub federated_credentials: Arc<[FederatedCredential]>,
    /// Whether users are asked for consent.
    pub consent: ConsentPolicy,
    /// Token lifetimes, already limited by the tenant's.
    pub lifetimes: Arc<Lifetimes>,
    /// `default_max_age` (OIDC Registration §2), in whole seconds on the wire. `None`: sign-ins may have any age.
    pub default_max_age: Option<Duration>,
    /// `require_auth_time` (OIDC Registration §2): ID tokens contain `auth_time`.
    pub require_auth_time: bool,
    /// Optional metadata. Shared, because most clients have none.
    pub details: Arc<ClientDetails>,
    /// The type of its `sub` values (OIDC Core §8).
    pub subject_type: SubjectType,
    /// The inputs of its pairwise `sub` values, if it has any.
    pub pairwise: Option<Box<PairwiseSubjectInputs>>,
    /// The algorithm of its ID tokens. `None` selects the tenant's default.
    pub id_token_signed_response_alg: Option<IdTokenAlgorithm>,
    /// The algorithm of its userinfo responses. `None` selects plain JSON.
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// The algorithm of its authorization responses that are JWTs. `None` selects the tenant's default.
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
    /// The required algorithm of its request objects. `None` allows any except `none`.
    pub request_object_signing_alg: Option<JwsAlgorithm>,
    /// Whether it may introspect every access token of the tenant.
    pub may_introspect_all: bool,
    /// Whether each use of a refresh token issues a new one.
    pub refresh_token_rotation: RefreshTokenRotation,
    /// The forms of its tokens.
    pub tokens: TokenPolicy,
    /// Registration data, if it was registered over HTTP.
    pub registered: Option<Box<DynamicRegistration>>,
    /// The host of the metadata document that describes the client, with a port. `None` for a client with an object.
    pub document_host: Option<Box<str>>,
}

/// An identity provider of another tenant of this installation that refers to a client, with its URIs
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedProvider {
    /// The redirect URI at the tenant of the provider.
    pub callback: RedirectUri,
    /// The URI there that a sign-out here returns to.
    pub post_logout: RedirectUri,
    /// The URI there that receives logout tokens.
    pub backchannel_logout: Box<str>,
}

/// Data about a dynamically registered client (RFC 7591).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicRegistration {
    /// The hash of its registration access token. Without it the client cannot be managed over
    /// HTTP.
    pub token_hash: Option<String>,
    /// The time of registration (`metadata.creationTimestamp`). `None` for an object that was never stored.
    pub at: Option<Timestamp>,
    /// Whether the client was ever used.
    pub used: bool,
}

impl Client {
    /// The `default_max_age` of a number of seconds; `None` for more than a year.
    pub fn default_max_age_of(seconds: u64) -> Option<Duration> {
        (seconds <= 31_536_000).then_some(Duration::from_secs(seconds))
    }

    /// Creates a confidential web client without redirect URIs, grant types, scopes or secrets.
    pub fn new(id: ClientId, object: ObjectKey, tenant: TenantId) -> Self {
        Self {
            name: object.name.to_string(),
            id,
            object,
            tenant,
            application_type: ApplicationType::Web,
            redirect_uris: Vec::new(),
            linked_providers: Box::default(),
            post_logout_redirect_uris: Vec::new(),
            origins: Box::default(),
            grant_types: Arc::default(),
            response_types: Arc::default(),
            scopes: Arc::default(),
            authentication: ClientAuthentication::Secret { transport: None, secrets: Vec::new() },
            fapi2: None,
            require_pkce: false,
            require_pushed_requests: false,
            access: None,
            keys: ClientKeys::None,
            federated_credentials: Arc::default(),
            consent: ConsentPolicy::Required,
            lifetimes: Arc::default(),
            default_max_age: None,
            require_auth_time: false,
            details: ClientDetails::default().shared(),
            subject_type: SubjectType::Public,
            pairwise: None,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            authorization_signed_response_alg: None,
            request_object_signing_alg: None,
            may_introspect_all: false,
            refresh_token_rotation: RefreshTokenRotation::Always,
            tokens: TokenPolicy::default(),
            registered: None,
            document_host: None,
        }
    }

    /// Returns true if the client cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::None)
    }

    /// Returns true if a metadata document describes it, and no object.
    pub fn is_described_by_document(&self) -> bool {
        self.document_host.is_some()
    }

    /// Returns true if no user of the tenant's cluster has chosen its name: it registered itself, or a metadata
    /// document describes it.
    pub fn is_unverified(&self) -> bool {
        self.registered.is_some() || self.is_described_by_document()
    }

    /// Returns true if anyone can send requests as the client, or make such a client: it does not authenticate, or no
    /// user of the tenant's cluster has chosen its name.
    pub fn is_untrusted(&self) -> bool {
        self.is_public() || self.is_unverified()
    }

    /// Returns true if the client may exchange its ID tokens (RFC 8693). Those with pairwise subjects name no session
    /// that is known, so they give nothing.
    pub fn can_exchange_id_tokens(&self) -> bool {
        self.grant_types.contains(&GrantType::TokenExchange) && self.pairwise.is_none()
    }

    /// All redirect URIs, from the manifest and from identity providers that refer to the client.
    pub fn all_redirect_uris(&self) -> impl Iterator<Item = &RedirectUri> {
        let of_providers = self.linked_providers.iter().map(|provider| &provider.callback);
        self.redirect_uris.iter().chain(of_providers)
    }

    /// All URIs that the browser may be redirected to after logout.
    pub fn all_post_logout_redirect_uris(&self) -> impl Iterator<Item = &RedirectUri> {
        let of_providers = self.linked_providers.iter().map(|provider| &provider.post_logout);
        self.post_logout_redirect_uris.iter().chain(of_providers)
    }

    /// All URIs that are notified of the end of a session (OIDC Back-Channel Logout §2.2), each with
    /// whether it is that of an identity provider.
    pub fn all_backchannel_logout_uris(&self) -> impl Iterator<Item = (&str, bool)> {
        let own = self.details.backchannel_logout_uri.as_deref();
        let of_providers = self.linked_providers.iter().map(|it| &*it.backchannel_logout);
        let of_providers = of_providers.filter(move |uri| Some(*uri) != own);
        own.map(|uri| (uri, false)).into_iter().chain(of_providers.map(|uri| (uri, true)))
    }

    /// Returns true if it is notified of the end of a session.
    pub fn is_notified_of_logout(&self) -> bool {
        self.all_backchannel_logout_uris().next().is_some()
    }

    /// The URL that is notified when a person has answered a request over the backchannel; `None` for a client
    /// that polls (CIBA Core §4).
    pub fn ping_endpoint(&self) -> Option<&str> {
        let is_ping = self.details.backchannel_token_delivery_mode
            == Some(BackchannelTokenDeliveryMode::Ping);
        let endpoint = self.details.backchannel_client_notification_endpoint.as_deref();
        endpoint.filter(|_| is_ping && self.grant_types.contains(&GrantType::Ciba))
    }

    /// Returns true if its authorization requests must use PKCE (RFC 9700 §2.1.1).
    pub fn requires_pkce(&self) -> bool {
        self.require_pkce || self.is_public()
    }

    /// Returns true if JWTs that the client signs may have an algorithm, whatever it registered.
    pub fn may_sign_with(&self, algorithm: JwsAlgorithm) -> bool {
        self.fapi2.is_none() || algorithm.is_fapi2()
    }

    /// Returns true if its authorization requests must be signed request objects.
    pub fn must_sign_requests(&self) -> bool {
        self.fapi2.is_some_and(|rules| rules.signed_requests)
    }

    /// Returns true if its authorization responses are JWTs.
    pub fn needs_signed_responses(&self) -> bool {
        self.fapi2.is_some_and(|rules| rules.signed_responses)
    }

    /// Returns true if the client signs assertions or request objects with its secret.
    pub fn signs_with_secret(&self) -> bool {
        sign_with_secret(self.authentication.method(), self.request_object_signing_alg)
    }
}

/// Returns true if a client with this authentication method and registered request object algorithm
/// signs with its secret (OIDC Core §9, §10.1).
pub fn sign_with_secret(method: AuthMethod, request_objects: Option<JwsAlgorithm>) -> bool {
    method == AuthMethod::ClientSecretJwt
        || (method.has_secret() && request_objects.is_some_and(JwsAlgorithm::is_symmetric))
}

wire_enum!(
    /// `subject_type` (OIDC Core §8).
    #[derive(Default)]
    SubjectType {
        /// The same `sub` for every client.
        #[default]
        Public = "public",
        /// A different `sub` for each sector.
        Pairwise = "pairwise",
    }
);

/// The inputs of a client's pairwise `sub` values (OIDC Core §8.1).
#[derive(Clone, Debug)]
pub struct PairwiseSubjectInputs {
    /// The sector identifier, a host name.
    pub sector: String,
    /// The tenant's salt. It is secret: with it, the `sub` values of two clients could be linked.
    pub salt: Secret<Vec<u8>>,
}

wire_enum!(
    /// Whether the user must approve what a client requests.
    ConsentPolicy {
        /// Ask the user, and remember the answer per user, client and scopes.
        Required = "Required",
        /// Never ask: the owner of the client consented in the manifest.
        Implied = "Implied",
    }
);
