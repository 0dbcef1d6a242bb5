//! The tenants of this installation that providers refer to: by a client of theirs (`clientRef`), or by
//! their issuer. Clients do not depend on providers, so they are validated before.

use std::{collections::HashMap, sync::Arc};

use super::{
    members::{ClientLink, ProviderLink},
    provider_loops::{CrossTenantReference, find_closing_edges},
};
use crate::{
    api::{ConditionReason, ConditionType},
    model::{
        AssertionAudience, AssertionPolicy, AuthMethod, Client, ClientAssertionAudience,
        ClientAuthentication, GrantType, IdTokenAlgorithm, Installation, Issuer, JwsAlgorithm,
        ObjectKey, ResponseType, SecurityProfile, SigningAlgorithm, TenantId, WireEnum,
    },
    protocol::identity_provider::UpstreamCredentials,
    registry::{
        ClientOutcome, LinkedClient, ObjectOutcome, ProviderLinks, ValidationProblem, Verdict,
        precedence::Precedence,
    },
};

/// The field with the reference to a client.
const CLIENT_FIELD: &str = "spec.oidc.clientRef";
/// The field with the issuer of a tenant.
const ISSUER_FIELD: &str = "spec.oidc.issuer";

/// The reason why people cannot sign in by a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum UnsuitableClient {
    #[error(
        "it lacks the grant type authorization_code or the response type code; add them to its grantTypes and responseTypes"
    )]
    NoCodeFlow,
    #[error(
        "its profile {0} requires pushed requests and proofs of a key, which providers do not send; refer to a client without a profile, of a tenant without one"
    )]
    Profile(SecurityProfile),
    #[error("its ID tokens are not signed; remove idTokenSignedResponseAlg: none")]
    UnsignedIdTokens,
    #[error(
        "its tenant's spec.clients.redirectHosts or redirectSchemes do not allow {0}; extend them there"
    )]
    Callback(String),
    #[error("its client secret does not exist yet")]
    NoSecret,
    #[error(
        "providers do not authenticate with {0}; set its tokenEndpointAuthMethod to client_secret_basic"
    )]
    Method(AuthMethod),
    #[error(
        "the provider's tenant signs for it, but its keys are others; set its jwksUri to {0} and remove jwks, or set its tokenEndpointAuthMethod to client_secret_basic"
    )]
    OtherKeys(String),
    #[error("no tenant signs with {0}; remove its tokenEndpointAuthSigningAlg")]
    Algorithm(JwsAlgorithm),
}

/// The validated clients of a tenant, by object.
#[derive(Debug, Default)]
pub(super) struct TenantClients<'a>(
    HashMap<&'a ObjectKey, (&'a ClientOutcome, Option<&'a Arc<Client>>)>,
);

impl<'a> TenantClients<'a> {
    /// The clients of a group: all with a verdict, and those that are served.
    pub(super) fn of(
        verdicts: &'a [Arc<Verdict>],
        served: impl Iterator<Item = &'a Arc<Client>>,
    ) -> Self {
        let mut clients: HashMap<_, _> = verdicts
            .iter()
            .filter_map(|verdict| match &verdict.outcome {
                ObjectOutcome::Client(outcome) => Some((&verdict.object.key, (outcome, None))),
                _ => None,
            })
            .collect();
        for client in served {
            if let Some((_, found)) = clients.get_mut(&client.object) {
                *found = Some(client);
            }
        }
        Self(clients)
    }

    /// The issuer and the client of a reference, if the client is accepted.
    fn accepted(&self, client: &ObjectKey) -> Option<(&'a Issuer, Option<&'a Arc<Client>>)> {
        let (outcome, served) = self.0.get(client)?;
        outcome.client_id.as_ref()?;
        Some((outcome.issuer.as_ref()?, *served))
    }
}

/// Resolves the references of all providers. `clients`: those of the tenants that are referred to.
pub(super) fn resolve_links(
    links: &[(&TenantId, &ProviderLink)],
    clients: &HashMap<&TenantId, TenantClients<'_>>,
    installation: &Installation,
) -> HashMap<TenantId, ProviderLinks> {
    let mut ranked: Vec<_> = links.to_vec();
    ranked
        .sort_by_cached_key(|(_, link)| Precedence::of(link.created, &link.provider, installation));
    // A reference to a client that its tenant does not accept leads nowhere.
    let found = |link: &ProviderLink| {
        clients.get(link.upstream.as_ref()?)?.accepted(&link.client.as_ref()?.client)
    };
    let counts = |link: &ProviderLink| link.client.is_none() || found(link).is_some();
    let counted: Vec<_> = ranked.iter().filter(|(_, link)| counts(link)).collect();
    let edges: Vec<CrossTenantReference<'_>> = counted
        .iter()
        .filter_map(|(tenant, link)| {
            Some(CrossTenantReference { tenant, upstream: link.upstream.as_ref()? })
        })
        .collect();
    let loops: HashMap<&ObjectKey, Vec<&TenantId>> = counted
        .iter()
        .zip(find_closing_edges(&edges))
        .filter_map(|((_, link), back)| Some((&link.provider, back?)))
        .collect();
    let mut resolved: HashMap<TenantId, ProviderLinks> = HashMap::new();
    for (tenant, link) in ranked {
        let client = match (loops.get(&link.provider), &link.client) {
            (Some(back), client) => Err(loop_problem(tenant, back, client.is_some())),
            (None, Some(client)) => linked_client((link, client), found(link)),
            // The issuer is called like any other.
            (None, None) => continue,
        };
        resolved.entry(tenant.clone()).or_default().insert(link.provider.clone(), client);
    }
    resolved
}

fn loop_problem(tenant: &TenantId, back: &[&TenantId], by_client: bool) -> ValidationProblem {
    let names: Vec<String> = back.iter().map(|id| format!("\"{id}\"")).collect();
    let (field, other) = if by_client {
        (CLIENT_FIELD, "delete this one and create it with a client of another tenant")
    } else {
        (ISSUER_FIELD, "delete this one and create it with a different issuer")
    };
    let message = format!(
        "closes a loop: people of Tenant \"{tenant}\" would come from {}, whose providers are older; delete one of these providers, or {other}",
        names.join(", then from ")
    );
    ValidationProblem::accepted(ConditionReason::ProviderLoop, field, message)
}

/// The client of a reference, or the reason why it cannot be used.
fn linked_client(
    (link, reference): (&ProviderLink, &ClientLink),
    found: Option<(&Issuer, Option<&Arc<Client>>)>,
) -> Result<LinkedClient, ValidationProblem> {
    let problem = |reason, message| {
        ValidationProblem::of(ConditionType::ResolvedRefs, reason, CLIENT_FIELD, message)
    };
    let name = &reference.client.name;
    let Some(tenant) = &link.upstream else {
        let message = format!(
            "OidcClient {name:?} not found in namespace {:?}; create it with the tenantRef of the tenant whose people sign in",
            reference.client.namespace
        );
        return Err(problem(ConditionReason::ClientNotFound, message));
    };
    let not_ready = |state: &str| {
        let message = format!("OidcClient {name:?} is not {state}; see its conditions");
        problem(ConditionReason::ClientNotReady, message)
    };
    let (issuer, client) = found.ok_or_else(|| not_ready("accepted"))?;
    let client = client.ok_or_else(|| not_ready("served yet"))?;
    let credentials = credentials(client, reference).map_err(|unsuitable| {
        let message = format!("people cannot sign in by OidcClient {name:?}: {unsuitable}");
        problem(ConditionReason::ClientUnsuitable, message)
    })?;
    Ok(LinkedClient {
        tenant: tenant.clone(),
        issuer: issuer.clone(),
        client_id: client.id.clone(),
        credentials,
        scopes: Arc::clone(&client.scopes),
    })
}

/// The credentials of a client by which people can sign in.
fn credentials(
    client: &Client,
    reference: &ClientLink,
) -> Result<UpstreamCredentials, UnsuitableClient> {
    if !client.grant_types.contains(&GrantType::AuthorizationCode)
        || !client.response_types.contains(&ResponseType::Code)
    {
        return Err(UnsuitableClient::NoCodeFlow);
    }
    if let Some(rules) = client.fapi2 {
        return Err(UnsuitableClient::Profile(rules.profile()));
    }
    if client.id_token_signed_response_alg == Some(IdTokenAlgorithm::None) {
        return Err(UnsuitableClient::UnsignedIdTokens);
    }
    let is_registered =
        |callback: &&String| client.all_redirect_uris().any(|uri| uri.matches(callback));
    let callback = reference.uris.as_ref().map(|uris| &uris.redirect);
    if let Some(callback) = callback.filter(|callback| !is_registered(callback)) {
        return Err(UnsuitableClient::Callback(callback.clone()));
    }
    match &client.authentication {
        ClientAuthentication::None => Ok(UpstreamCredentials::None),
        ClientAuthentication::Secret { transport, secrets } => {
            let secret = secrets.first().cloned().ok_or(UnsuitableClient::NoSecret)?;
            Ok(UpstreamCredentials::Secret { secret, transport: *transport })
        }
        ClientAuthentication::PrivateKeyJwt { policy } => own_keys(client, *policy, reference),
        ClientAuthentication::SecretJwt { .. }
        | ClientAuthentication::TlsClientAuth { .. }
        | ClientAuthentication::SelfSignedTls => {
            Err(UnsuitableClient::Method(client.authentication.method()))
        }
    }
}

/// The credentials of a client whose assertions the provider's tenant signs. Its keys must be those of
/// that tenant, because nothing else can sign for it here.
fn own_keys(
    client: &Client,
    policy: AssertionPolicy,
    reference: &ClientLink,
) -> Result<UpstreamCredentials, UnsuitableClient> {
    let jwks_uri = reference.jwks_uri.as_deref();
    if let Some(jwks_uri) = jwks_uri.filter(|it| client.keys.url() != Some(*it)) {
        return Err(UnsuitableClient::OtherKeys(jwks_uri.to_owned()));
    }
    let required = policy.signing_alg.map(|required| {
        let is_it = |it: &&SigningAlgorithm| {
            it.name().parse().is_ok_and(|it: JwsAlgorithm| it.is(required))
        };
        let algorithm = SigningAlgorithm::VALUES.iter().find(is_it).copied();
        algorithm.ok_or(UnsuitableClient::Algorithm(required))
    });
    let audience = match policy.audience {
        AssertionAudience::Issuer => ClientAssertionAudience::Issuer,
        AssertionAudience::IssuerOrEndpoint => ClientAssertionAudience::TokenEndpoint,
    };
    Ok(UpstreamCredentials::PrivateKeyJwt { algorithm: required.transpose()?, audience })
}
