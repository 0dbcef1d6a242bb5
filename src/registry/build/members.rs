//! The inputs of the validation of one tenant: the objects that belong together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    api::{
        AccessSpec, CachedObject, ConditionReason, ConditionType, IdentityProvider, ManagedObject,
        NamespaceLabels, ObjectsByKind, OidcClient, OidcUser, ProviderLinkSummary,
        ProviderLinkTarget, ResourceServer, SecretState, Tenant,
    },
    keys::PairwiseSalt,
    model::{Endpoint, Issuer, ObjectKey, ObjectRef, TenantId, Timestamp},
    registry::{
        ObjectOutcome, ProviderUris, ValidationProblem, Verdict,
        validate::{self, CheckedTenant, ProblemList},
    },
};

/// An object and its Secret.
#[derive(Debug)]
pub(super) struct GroupMember<'a, K: ManagedObject> {
    pub(super) key: &'a ObjectKey,
    pub(super) cached: &'a CachedObject<K>,
    pub(super) secret: Option<&'a SecretState>,
}

/// A parsed object; exists only during validation.
#[derive(Debug)]
pub(super) struct ParsedObjects<'a, K: ManagedObject> {
    pub(super) member: &'a GroupMember<'a, K>,
    pub(super) raw: K,
}

impl<'a, K: ManagedObject> ParsedObjects<'a, K> {
    pub(super) fn of(member: &'a GroupMember<'a, K>) -> Self {
        Self { member, raw: member.cached.declared(member.key) }
    }

    /// Builds the verdict on the object.
    pub(super) fn verdict(&self, problems: ProblemList, outcome: ObjectOutcome) -> Arc<Verdict> {
        let (problems, warnings) = problems.into_parts();
        Arc::new(Verdict {
            object: ObjectRef::new(K::KIND, self.member.key.clone()),
            generation: self.member.cached.generation(),
            problems,
            warnings,
            outcome,
        })
    }

    /// Refuses the object if its spec has fields that this release does not know. Such a field may be a
    /// restriction, which must not be dropped.
    pub(super) fn refuse_unknown_fields(&self, problems: &mut ProblemList) {
        for field in self.member.cached.unknown_fields() {
            let message =
                "this release of Lanyard does not know the field; remove it, or upgrade Lanyard";
            problems.add_refusal(ConditionReason::UnsupportedField, &**field, message);
        }
    }

    /// `metadata.creationTimestamp`; `None` for a file in `dev`.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.raw.meta().creation_timestamp.as_ref().map(|time| Timestamp::from(time.0))
    }
}

/// The inputs of the validation of one group.
#[derive(Debug)]
pub(super) struct TenantGroup<'a> {
    pub(super) id: TenantId,
    /// `None` if the tenant is referenced, but does not exist.
    pub(super) tenant: Option<GroupMember<'a, Tenant>>,
    /// The Secret with the tenant's pairwise salt.
    pub(super) salt: Option<&'a SecretState>,
    /// The tenant's issuer, or the reason why it may not use it, decided among all tenants.
    pub(super) claim: Option<Result<Issuer, ValidationProblem>>,
    /// The Secret with the tenant's initial access token, if it names one.
    pub(super) token: Option<&'a SecretState>,
    /// The Secrets with the account at the tenant's mail server, and with its certificates.
    pub(super) mail: (Option<&'a SecretState>, Option<&'a SecretState>),
    pub(super) clients: Vec<GroupMember<'a, OidcClient>>,
    /// The Secrets with authorities of `clients`, in the same order.
    pub(super) client_authorities: Vec<Option<&'a SecretState>>,
    pub(super) users: Vec<GroupMember<'a, OidcUser>>,
    pub(super) resource_servers: Vec<GroupMember<'a, ResourceServer>>,
    pub(super) providers: Vec<GroupMember<'a, IdentityProvider>>,
    /// The Secrets with certificates of `providers`, in the same order.
    pub(super) provider_cas: Vec<Option<&'a SecretState>>,
    /// Labels of the other namespaces that have clients; `None` if there are no such clients.
    pub(super) namespaces: Option<NamespaceLabels>,
    /// The references of its providers to tenants of this installation.
    pub(super) links: Vec<ProviderLink>,
    /// The URIs of the providers that refer to its clients, by client.
    pub(super) provider_uris: BTreeMap<ObjectKey, Vec<ProviderUris>>,
    /// The issuers in federated credentials of its clients that are tenants of this installation.
    pub(super) own_issuers: BTreeSet<Box<str>>,
}

/// The reference of a provider to a tenant of this installation.
#[derive(Clone, Debug)]
pub(super) struct ProviderLink {
    pub(super) provider: ObjectKey,
    /// `metadata.creationTimestamp` of the provider; `None` for a file in `dev`.
    pub(super) created: Option<Timestamp>,
    /// The tenant where people sign in; `None` if the client does not exist.
    pub(super) upstream: Option<TenantId>,
    /// The client that it refers to; `None` if it has the issuer of the tenant.
    pub(super) client: Option<ClientLink>,
}

/// The reference of a provider to a client.
#[derive(Clone, Debug)]
pub(super) struct ClientLink {
    pub(super) client: ObjectKey,
    /// The provider's URIs, if its tenant has an issuer.
    pub(super) uris: Option<ProviderUris>,
    /// The URL of the keys of the provider's tenant, if it has an issuer.
    pub(super) jwks_uri: Option<String>,
}

/// The tenant as its clients and users need it.
#[derive(Clone, Copy, Debug)]
pub(super) enum TenantContext<'a> {
    Absent,
    NotAccepted,
    Accepted { tenant: &'a CheckedTenant, has_keys: bool, salt: Option<&'a PairwiseSalt> },
}

impl<'a> TenantContext<'a> {
    pub(super) fn accepted(self) -> Option<&'a CheckedTenant> {
        match self {
            Self::Accepted { tenant, .. } => Some(tenant),
            Self::Absent | Self::NotAccepted => None,
        }
    }

    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Accepted { has_keys: true, .. })
    }

    /// Reports the problem with referring to this tenant, if any.
    pub(super) fn report(self, problems: &mut ProblemList, id: &TenantId) {
        let (condition, reason, message) = match self {
            Self::Absent => (
                ConditionType::ResolvedRefs,
                ConditionReason::TenantNotFound,
                format!(
                    "Tenant {:?} not found in namespace {:?}; create it, or delete this object and create it with a different tenantRef",
                    id.0.name, id.0.namespace
                ),
            ),
            Self::NotAccepted => (
                ConditionType::ResolvedRefs,
                ConditionReason::TenantNotAccepted,
                format!("Tenant \"{id}\" is not accepted; see its conditions"),
            ),
            Self::Accepted { has_keys: false, .. } => (
                ConditionType::Programmed,
                ConditionReason::Pending,
                format!("waiting for a signing key of Tenant \"{id}\"; see its conditions"),
            ),
            Self::Accepted { has_keys: true, .. } => return,
        };
        let field = if condition == ConditionType::Programmed { "" } else { "spec.tenantRef" };
        problems.add(condition, reason, field, message);
    }
}

impl<'a> TenantGroup<'a> {
    pub(super) fn of(
        tenant: GroupMember<'a, Tenant>,
        claim: Option<Result<Issuer, ValidationProblem>>,
        salt: Option<&'a SecretState>,
    ) -> Self {
        let group = Self::absent(TenantId(tenant.key.clone()));
        Self { tenant: Some(tenant), claim, salt, ..group }
    }

    pub(super) fn absent(id: TenantId) -> Self {
        Self {
            id,
            tenant: None,
            salt: None,
            claim: None,
            token: None,
            mail: (None, None),
            clients: Vec::new(),
            client_authorities: Vec::new(),
            users: Vec::new(),
            resource_servers: Vec::new(),
            providers: Vec::new(),
            provider_cas: Vec::new(),
            namespaces: None,
            links: Vec::new(),
            provider_uris: BTreeMap::new(),
            own_issuers: BTreeSet::new(),
        }
    }

    /// Adds the reference of a provider, and returns it. `None` for an issuer elsewhere.
    pub(super) fn link(
        &mut self,
        provider: &ObjectKey,
        summary: &ProviderLinkSummary,
        (managed, issuers): (&ObjectsByKind, &HashMap<Box<str>, TenantId>),
    ) -> Option<ProviderLink> {
        let (upstream, client) = match &summary.target {
            ProviderLinkTarget::Issuer(issuer) => (Some(issuers.get(issuer)?.clone()), None),
            ProviderLinkTarget::Client(key) => {
                let client = managed.get::<OidcClient>(key).filter(|it| !it.is_deleting());
                let issuer = self.claim.as_ref().and_then(|claim| claim.as_ref().ok());
                let link = ClientLink {
                    client: key.clone(),
                    uris: issuer.map(|issuer| ProviderUris::of(issuer, &provider.name)),
                    jwks_uri: issuer.map(|issuer| Endpoint::Jwks.url(issuer)),
                };
                (client.map(|client| client.summary().tenant.clone()), Some(link))
            }
        };
        let (provider, created) = (provider.clone(), summary.created);
        let link = ProviderLink { provider, created, upstream, client };
        self.links.push(link.clone());
        Some(link)
    }

    /// Reports providers in an access policy that the tenant does not have.
    pub(super) fn check_access(&self, problems: &mut ProblemList, access: Option<&AccessSpec>) {
        let access = access.filter(|access| !access.providers.is_empty());
        if self.tenant.is_some() && access.is_some() {
            let known = self.provider_names();
            validate::check_access_providers(problems, access, (&self.id, &known));
        }
    }

    /// The names of the tenant's providers, accepted or not.
    pub(super) fn provider_names(&self) -> HashSet<&str> {
        self.providers.iter().map(|provider| &*provider.key.name).collect()
    }

    /// Adds the labels of a namespace to the inputs.
    pub(super) fn add_namespace_labels(&mut self, all: &NamespaceLabels, namespace: &str) {
        let NamespaceLabels::Known(all) = all else {
            self.namespaces = Some(NamespaceLabels::Unavailable);
            return;
        };
        let seen = self.namespaces.get_or_insert_with(|| NamespaceLabels::Known(BTreeMap::new()));
        if let (NamespaceLabels::Known(seen), Some(labels)) = (seen, all.get(namespace)) {
            seen.entry(namespace.to_owned()).or_insert_with(|| labels.clone());
        }
    }
}
