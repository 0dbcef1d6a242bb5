//! Tests of the targets of access tokens: no request gets more than its grant.

use std::time::Duration;

use super::*;
use crate::{
    model::{Client, ClientId, ObjectKey, ResourceServer, ResourceServers, Tenant},
    protocol::{
        authorization_details::DetailsByResource, claims::access_token_lifetime,
        records::GrantedResource, resource::ResourceContext,
    },
};

/// Identifiers of the resource servers of these tests, with an alternate for each.
const SERVERS: [(&str, &str); 3] =
    [("https://a.test", "urn:a"), ("https://b.test", "urn:b"), ("https://closed.test", "urn:c")];
const ISSUER: &str = "https://id.test/team/shop";

fn server((identifier, alternate): (&str, &str), scopes: &str, claims: &str) -> ResourceServer {
    let client =
        if identifier == SERVERS[2].0 { ClientId::new("other") } else { fixtures::client().id };
    ResourceServer {
        alternates: [alternate.into()].into(),
        scopes: words(scopes),
        claims: words(claims),
        clients: [client].into(),
        ..ResourceServer::new(ObjectKey::new("team", "api"), identifier)
    }
}

struct World {
    tenant: Tenant,
    client: Client,
    servers: ResourceServers,
}

impl World {
    fn new(servers: impl IntoIterator<Item = ResourceServer>) -> Self {
        let servers = ResourceServers::new(servers.into_iter().map(Arc::new).collect());
        Self { tenant: fixtures::tenant(), client: fixtures::client(), servers }
    }

    fn context(&self) -> ResourceContext<'_> {
        let (issuer, client) = (&self.tenant.issuer, &self.client);
        ResourceContext { issuer, servers: &self.servers, client, by_exchange: false }
    }
}

fn usual() -> World {
    World::new(SERVERS.map(|names| server(names, "read write", "groups email")))
}

/// A grant with resources, each with scopes and claims.
fn grant_at(resources: &[(&str, &str, &str)]) -> Grant {
    let granted = |(name, scopes, claims): &(&str, &str, &str)| {
        let granted = GrantedResource { scopes: words(scopes), claims: words(claims) };
        ((*name).to_owned(), granted)
    };
    Grant { resources: resources.iter().map(granted).collect(), ..grant(1, NOW) }
}

/// The identifier of the target, its scopes and its claims.
fn target(world: &World, grant: &Grant, requested: &[&str]) -> Result<(String, String), ErrorCode> {
    let own = words("openid email");
    let found = grant_target(world.context(), (grant, &own), requested.iter().copied());
    let found = found.map_err(|error| error.code)?;
    let name = found.server.map_or(ISSUER, |server| &server.identifier).to_owned();
    Ok((name, scope::join_scopes(&found.scopes)))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with results")]
fn at(name: &str, scopes: &str) -> Result<(String, String), ErrorCode> {
    Ok((name.to_owned(), scopes.to_owned()))
}

#[test]
fn a_token_is_for_a_resource_of_its_grant() {
    // RFC 8707 §2.2
    let world = usual();
    let [(a, alternate), (b, _), (closed, _)] = SERVERS;
    let refused = Err(ErrorCode::InvalidTarget);
    let plain = grant_at(&[]);
    assert_eq!(target(&world, &plain, &[]), at(ISSUER, "email openid"));
    assert_eq!(target(&world, &plain, &[a]), refused);
    let only = grant_at(&[(a, "read", "")]);
    assert_eq!(target(&world, &only, &[]), at(a, "read"), "the only resource");
    assert_eq!(target(&world, &only, &[alternate, a]), at(a, "read"), "the same");
    assert_eq!(target(&world, &only, &[b]), refused);
    assert_eq!(target(&world, &only, &[a, b]), refused);
    assert_eq!(target(&world, &only, &[ISSUER]), at(ISSUER, "email openid"), "userinfo");
    let without_openid = Grant { scopes: words("email"), ..only };
    assert_eq!(target(&world, &without_openid, &[ISSUER]), refused);
    let both = grant_at(&[(a, "read", ""), (b, "", "")]);
    assert_eq!(target(&world, &both, &[]), refused, "ambiguous");
    assert_eq!(target(&world, &both, &[b]), at(b, ""));
    let with_issuer = grant_at(&[(a, "read", ""), (ISSUER, "", "")]);
    assert_eq!(target(&world, &with_issuer, &[]), at(ISSUER, "email openid"));
    assert_eq!(target(&world, &grant_at(&[(closed, "read", "")]), &[]), refused);
}

#[test]
fn a_grant_keeps_its_resource_under_another_identifier() {
    let world = usual();
    let (a, alternate) = SERVERS[0];
    let renamed = grant_at(&[(alternate, "read", "")]);
    assert_eq!(target(&world, &renamed, &[]), at(a, "read"));
    assert_eq!(target(&world, &renamed, &[a]), at(a, "read"));
}

#[test]
fn scopes_that_the_resource_has_lost_are_not_given() {
    let world = World::new([server(SERVERS[0], "write", "")]);
    let grant = grant_at(&[(SERVERS[0].0, "read", "")]);
    assert_eq!(target(&world, &grant, &[]), Err(ErrorCode::InvalidGrant));
}

#[test]
fn a_client_that_acts_for_itself_gets_no_claims() {
    let world = usual();
    let (own, none) = (words("badges"), DetailsByResource::new());
    let found = client_target(world.context(), &own, [SERVERS[0].0], &none).expect("admitted");
    assert_eq!((&*found.scopes, found.claims.len()), (&words("read write"), 0));
    let closed = client_target(world.context(), &own, [SERVERS[2].0], &none).expect_err("refused");
    assert_eq!(closed.code, ErrorCode::InvalidTarget);
    let issuer = client_target(world.context(), &own, [], &none).expect("the issuer");
    assert_eq!((issuer.server, &*issuer.scopes), (None, &own));
}

/// A set of some of the words.
fn some(all: &'static [&'static str]) -> impl Strategy<Value = Scopes> {
    prop::sample::subsequence(all, 0..=all.len())
        .prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

const SCOPES: &[&str] = &["read", "write", "openid", "email"];
const CLAIMS: &[&str] = &["groups", "email"];
const NAMES: &[&str] =
    &["https://a.test", "urn:a", "https://b.test", "urn:b", "https://closed.test", "urn:c", ISSUER];

proptest! {
    /// `client_credentials` and `jwt-bearer` (RFC 6749 §4.4).
    #[test]
    fn a_client_that_acts_for_itself_gets_at_most_what_it_asks_for_and_may_have(
        (allowed, declared) in (some(SCOPES), prop::collection::vec(some(SCOPES), 3)),
        requested in prop::sample::subsequence(NAMES, 0..3),
        asked in prop::option::of(some(SCOPES)),
    ) {
        let declare = |(names, scopes): ((&str, &str), Scopes)| {
            ResourceServer { scopes, ..server(names, "", "groups") }
        };
        let mut world = World::new(SERVERS.into_iter().zip(declared).map(declare));
        world.client.scopes = Arc::new(allowed.clone());
        let own = decide_client_credentials(&world.client).scopes;
        let asked = asked.map(|asked| scope::join_scopes(&asked));
        let none = DetailsByResource::new();
        let found = client_target(world.context(), &own, requested.iter().copied(), &none);
        let Ok(found) = found else { return Ok(()) };
        let Ok(selected) = select_token_scopes(&found, &Scopes::new(), asked.as_deref()) else {
            return Ok(());
        };
        let words = asked.as_deref().map(words).unwrap_or_default();
        prop_assert!(words.is_empty() || selected.access_token.is_subset(&words));
        prop_assert!(found.claims.is_empty(), "claims are about people");
        let Some(server) = found.server else {
            prop_assert!(selected.access_token.is_subset(&allowed));
            prop_assert!(!selected.access_token.contains("openid"), "there is no sign-in");
            prop_assert!(requested.iter().all(|name| *name == ISSUER));
            return Ok(());
        };
        prop_assert!(selected.access_token.is_subset(&server.scopes));
        prop_assert!(selected.id_token.is_empty());
        prop_assert!(requested.iter().all(|name| server.identifiers().any(|own| own == *name)));
        prop_assert!(server.clients.contains(&world.client.id));
    }

    /// No path widens audience, scope, claims or lifetime.
    #[test]
    fn no_request_gets_more_than_its_grant(
        declared in prop::collection::vec((some(SCOPES), some(CLAIMS), 1_u64..7200), 3),
        resources in prop::collection::btree_map(
            prop::sample::select(NAMES).prop_map(str::to_owned),
            (some(SCOPES), some(CLAIMS)),
            0..4,
        ),
        (granted, left) in (some(SCOPES), some(SCOPES)),
        requested in prop::sample::subsequence(NAMES, 0..3),
        asked in prop::option::of(some(SCOPES)),
    ) {
        let declare = |(names, (scopes, claims, lifetime)): ((&str, &str), (Scopes, Scopes, u64))| {
            let lifetime = Some(Duration::from_secs(lifetime));
            ResourceServer { scopes, claims, lifetime, ..server(names, "", "") }
        };
        let world = World::new(SERVERS.into_iter().zip(declared).map(declare));
        let resources: BTreeMap<_, _> = resources
            .into_iter()
            .map(|(name, (scopes, claims))| (name, GrantedResource { scopes, claims }))
            .collect();
        let own: Scopes = granted.intersection(&left).cloned().collect();
        let grant = Grant { scopes: granted, resources, ..grant(1, NOW) };
        let asked = asked.map(|asked| scope::join_scopes(&asked));
        let found = grant_target(world.context(), (&grant, &own), requested.iter().copied());
        let Ok(found) = found else { return Ok(()) };
        let Ok(selected) = select_token_scopes(&found, &own, asked.as_deref()) else {
            return Ok(());
        };
        prop_assert!(selected.id_token.is_subset(&own));
        let words = asked.as_deref().map(words).unwrap_or_default();
        if !words.is_empty() {
            prop_assert!(selected.access_token.is_subset(&words));
            prop_assert!(selected.id_token.is_subset(&words));
        }
        let lifetime = access_token_lifetime(&world.client, found.server);
        prop_assert!(lifetime <= world.client.lifetimes.access_token);
        let Some(server) = found.server else {
            prop_assert!(selected.access_token.is_subset(&own) && found.claims.is_empty());
            let named = grant.resources.contains_key(ISSUER) || grant.resources.is_empty();
            prop_assert!(named || grant.scopes.contains("openid"));
            return Ok(());
        };
        prop_assert!(requested.iter().all(|name| server.identifiers().any(|own| own == *name)));
        prop_assert!(server.clients.contains(&world.client.id));
        let granted = server.identifiers().find_map(|name| grant.resources.get(name));
        let granted = granted.expect("a resource of the grant");
        prop_assert!(selected.access_token.is_subset(&granted.scopes));
        prop_assert!(selected.access_token.is_subset(&server.scopes));
        prop_assert!(found.claims.is_subset(&granted.claims));
        prop_assert!(found.claims.is_subset(&server.claims));
        prop_assert!(server.lifetime.is_none_or(|most| lifetime <= most));
    }
}
