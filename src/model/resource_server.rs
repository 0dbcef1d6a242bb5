//! Resource servers: the APIs that access tokens of a tenant are for (RFC 8707).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::{
    AccessTokenType, Client, ClientId, DetailsSchema, ObjectKey, SigningAlgorithm, TokenBinding,
    wire_enum,
};
use crate::expression::Expression;

wire_enum!(
    /// How an exchanged token names the client that exchanged it (RFC 8693 §1.1).
    #[derive(Default)]
    ExchangeMode {
        /// The claim `act` names it.
        #[default]
        Delegation = "Delegation",
        /// No claim names it.
        Impersonation = "Impersonation",
    }
);

/// A client that may exchange tokens of one audience for tokens of a resource server (RFC 8693).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeRule {
    /// The client that exchanges tokens.
    pub client: ClientId,
    /// The audience of the tokens that it exchanges: the identifier of a resource server, the issuer, or the ID of
    /// the client itself for its ID tokens.
    pub from: Box<str>,
    /// How the tokens that it gets name it.
    pub mode: ExchangeMode,
    /// The condition that the person has to meet.
    pub condition: Option<Expression>,
}

/// A type of authorization details that a resource server declares (RFC 9396 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationDetailsType {
    /// The value of `type`. No other resource server of the tenant has it.
    pub name: Box<str>,
    /// The name that people read on the consent page.
    pub display_name: String,
    /// The schema that details of the type match.
    pub schema: DetailsSchema,
}

/// A resource server of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    /// The `ResourceServer` object that declares it.
    pub object: ObjectKey,
    /// The name that people read on the consent page.
    pub name: String,
    /// `aud` of its tokens, and a value of `resource`.
    pub identifier: Box<str>,
    /// Further values of `resource` (RFC 8707 §2) that name it.
    pub alternates: Box<[Box<str>]>,
    /// The scopes of the resource server.
    pub scopes: BTreeSet<String>,
    /// The descriptions of scopes for people. Scopes without one are absent.
    pub scope_descriptions: BTreeMap<String, String>,
    /// The types of authorization details that clients may request.
    pub details_types: Vec<AuthorizationDetailsType>,
    /// The claims about the user that its tokens contain.
    pub claims: BTreeSet<String>,
    /// The clients that may request tokens for it.
    pub clients: BTreeSet<ClientId>,
    /// Whether clients that a metadata document describes may request tokens for it.
    pub admits_documents: bool,
    /// The clients among them that registered themselves and that no administrator named. They get tokens for people
    /// only.
    pub unnamed_clients: BTreeSet<ClientId>,
    /// The client that may introspect its tokens.
    pub introspector: Option<ClientId>,
    /// Maximum lifetime of its tokens; `None`: that of the client's access tokens.
    pub lifetime: Option<Duration>,
    /// The algorithm of its tokens, if it is not the tenant's default.
    pub signing_alg: Option<SigningAlgorithm>,
    /// `typ` of its tokens, if it is not that of the client's tokens.
    pub token_type: Option<AccessTokenType>,
    /// The proof that its tokens require.
    pub token_binding: TokenBinding,
    /// The exchanges that give tokens for it, in the order in which they are tried.
    pub exchanges: Vec<ExchangeRule>,
}

impl ResourceServer {
    /// A resource server without scopes, which admits no client.
    pub fn new(object: ObjectKey, identifier: &str) -> Self {
        Self {
            name: object.name.to_string(),
            object,
            identifier: identifier.into(),
            alternates: Box::default(),
            scopes: BTreeSet::new(),
            scope_descriptions: BTreeMap::new(),
            details_types: Vec::new(),
            claims: BTreeSet::new(),
            clients: BTreeSet::new(),
            admits_documents: false,
            unnamed_clients: BTreeSet::new(),
            introspector: None,
            lifetime: None,
            signing_alg: None,
            token_type: None,
            token_binding: TokenBinding::Bearer,
            exchanges: Vec::new(),
        }
    }

    /// Returns true if a client may request tokens for it.
    pub fn admits(&self, client: &Client) -> bool {
        if client.is_described_by_document() {
            return self.admits_documents;
        }
        self.clients.contains(&client.id)
    }

    /// Returns true if a client may exchange a token for one of this resource server.
    pub fn has_exchange_of(&self, client: &ClientId) -> bool {
        self.exchanges.iter().any(|rule| rule.client == *client)
    }

    /// The type of authorization details with a name.
    pub fn details_type(&self, name: &str) -> Option<&AuthorizationDetailsType> {
        self.details_types.iter().find(|it| *it.name == *name)
    }

    /// All values of `resource` that name it: the identifier, then the alternates.
    pub fn identifiers(&self) -> impl Iterator<Item = &str> {
        [&self.identifier].into_iter().chain(&self.alternates).map(|name| &**name)
    }

    /// Returns true if a name is the identifier of the resource server, or an alternate.
    pub fn has_identifier(&self, name: &str) -> bool {
        self.identifiers().any(|own| own == name)
    }
}

/// The resource servers of a tenant, found by the values of `resource`.
#[derive(Clone, Debug, Default)]
pub struct ResourceServers {
    all: Vec<Arc<ResourceServer>>,
    by_identifier: HashMap<Box<str>, Arc<ResourceServer>>,
    by_details_type: HashMap<Box<str>, Arc<ResourceServer>>,
}

impl ResourceServers {
    /// Creates the set. The identifiers of different resource servers must be disjoint, and so must their types of
    /// authorization details.
    pub fn new(all: Vec<Arc<ResourceServer>>) -> Self {
        let named = |server: &Arc<ResourceServer>| {
            let names: Vec<Box<str>> = server.identifiers().map(Into::into).collect();
            names.into_iter().map(|name| (name, Arc::clone(server))).collect::<Vec<_>>()
        };
        let of_type = |server: &Arc<ResourceServer>| {
            let types = server.details_types.iter().map(|it| it.name.clone());
            types.map(|name| (name, Arc::clone(server))).collect::<Vec<_>>()
        };
        Self {
            by_identifier: all.iter().flat_map(named).collect(),
            by_details_type: all.iter().flat_map(of_type).collect(),
            all,
        }
    }

    /// The empty set of resource servers.
    pub fn none() -> &'static Self {
        static NONE: LazyLock<ResourceServers> = LazyLock::new(ResourceServers::default);
        &NONE
    }

    /// The resource server with an identifier or alternate, compared as an exact string.
    pub fn find(&self, resource: &str) -> Option<&Arc<ResourceServer>> {
        self.by_identifier.get(resource)
    }

    /// The resource server that declares a type of authorization details, compared as an exact string.
    pub fn find_by_details_type(&self, name: &str) -> Option<&Arc<ResourceServer>> {
        self.by_details_type.get(name)
    }

    /// All resource servers, each once.
    pub fn all(&self) -> &[Arc<ResourceServer>] {
        &self.all
    }
}
