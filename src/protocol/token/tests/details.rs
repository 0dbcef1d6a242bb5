//! Tests of authorization details in tokens (RFC 9396): no path gives others than those of the grant.

use std::slice::from_ref;

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    model::{
        AuthorizationDetailsType, Client, DetailsSchema, ExchangeMode, ExchangeRule, ObjectKey,
        ResourceServer, ResourceServers, Tenant,
    },
    protocol::{
        authorization_details::DetailsByResource,
        records::GrantedResource,
        resource::{RequestedResources, ResourceContext, check_resources},
    },
};

const A: &str = "https://a.test";
const B: &str = "https://b.test";
const NAMES: &[&str] = &[A, "urn:a", B];
const TYPES: &[&str] = &["a.pay", "b.pay"];

/// A resource server whose type allows amounts up to `most`. It gives tokens for those that it has issued.
fn server(identifier: &str, alternate: &str, details_type: &str, most: i64) -> ResourceServer {
    let schema = json!({ "properties": { "amount": { "maximum": most } } });
    let declared = AuthorizationDetailsType {
        name: details_type.into(),
        display_name: details_type.to_owned(),
        schema: DetailsSchema::parse(schema.as_object().expect("an object")).expect("a schema"),
    };
    let client = fixtures::client().id;
    let allow = |from: &str| ExchangeRule {
        client: client.clone(),
        from: from.into(),
        mode: ExchangeMode::Impersonation,
        condition: None,
    };
    ResourceServer {
        alternates: [alternate.into()].into(),
        scopes: words("read"),
        details_types: vec![declared],
        clients: [client.clone()].into(),
        introspector: Some(client.clone()),
        exchanges: vec![allow(A), allow(B), allow("team.wiki")],
        ..ResourceServer::new(ObjectKey::new("team", "api"), identifier)
    }
}

struct World {
    tenant: Tenant,
    client: Client,
    servers: ResourceServers,
}

impl World {
    fn of(servers: [ResourceServer; 2]) -> Self {
        let servers = ResourceServers::new(servers.map(Arc::new).into());
        Self { tenant: fixtures::tenant(), client: fixtures::client(), servers }
    }

    fn new() -> Self {
        Self::of([server(A, "urn:a", "a.pay", 5), server(B, "urn:b", "b.pay", 5)])
    }

    fn context(&self) -> ResourceContext<'_> {
        let (issuer, client) = (&self.tenant.issuer, &self.client);
        ResourceContext { issuer, servers: &self.servers, client, by_exchange: false }
    }

    fn requested(&self, names: &[&str], details: &Value) -> Result<RequestedResources, ErrorCode> {
        let details = Some(details.to_string()).filter(|text| text != "[]");
        let names = names.iter().copied();
        check_resources(self.context(), names, details.as_deref()).map_err(|error| error.code)
    }

    /// The audience and the details of the token that a grant gives.
    fn token(
        &self,
        grant: &Grant,
        names: &[&str],
        details: &Value,
    ) -> Result<(String, Value), ErrorCode> {
        let requested = self.requested(names, details)?;
        let by_type = requested.details.keys().map(String::as_str);
        let (own, named) = (words("openid"), names.iter().copied().chain(by_type));
        let target = grant_target(self.context(), (grant, &own), named)
            .and_then(|target| target.narrow_details(&requested.details))
            .map_err(|error| error.code)?;
        Ok((audience(&target), json!(target.details)))
    }

    /// The details of the token for `target` that a subject token gives.
    fn exchanged(
        &self,
        subject: &SubjectToken,
        grant: &Grant,
        (target, details): (&str, &Value),
    ) -> Result<Value, ErrorCode> {
        let requested = self.requested(&[target], details)?;
        let of = (subject, grant, &self.tenant);
        let target = exchange_target(self.context(), of, [target])
            .and_then(|target| target.narrow_details(&requested.details))
            .map_err(|error| error.code)?;
        Ok(json!(target.details))
    }

    fn subject_context(&self) -> SubjectContext<'_> {
        let (tenant, servers, client) = (&self.tenant, &self.servers, &self.client);
        SubjectContext { tenant, servers, client, now: NOW }
    }

    /// An access token for an audience, with details.
    fn subject(&self, audience: &str, details: &Value) -> SubjectToken {
        let mut claims = claims(audience);
        claims.insert("authorization_details".into(), details.clone());
        check_access_subject(&claims, self.subject_context()).expect("accepted")
    }

    fn id_token(&self) -> SubjectToken {
        let mut claims = claims("team.wiki");
        claims.remove("client_id");
        check_id_subject(&claims, self.subject_context()).expect("accepted")
    }
}

fn audience(target: &TokenTarget<'_>) -> String {
    target.server.map_or("the issuer", |server| &server.identifier).to_owned()
}

fn claims(audience: &str) -> Map<String, Value> {
    let claims = json!({
        "iss": "https://id.test/team/shop", "aud": audience, "sub": "alice-id", "sid": "sid-1",
        "client_id": "team.app", "jti": "token-1", "iat": NOW.secs(), "exp": NOW.secs() + 300,
        "grant_id": "grant-1",
    });
    claims.as_object().expect("an object").clone()
}

fn pay(details_type: &str, amount: i64) -> Value {
    json!({ "type": details_type, "amount": amount })
}

/// A grant of resources with details.
fn grant_with(resources: &[(&str, &[Value])]) -> Grant {
    let text = |details: &[Value]| details.iter().map(Value::to_string).collect();
    let stored = resources.iter().filter(|(_, details)| !details.is_empty());
    let names = resources.iter().map(|(name, _)| (*name).to_owned());
    Grant {
        resources: names.map(|name| (name, GrantedResource::default())).collect(),
        authorization_details: stored.map(|(name, it)| ((*name).to_owned(), text(it))).collect(),
        ..grant(1, NOW)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with results")]
fn for_server(name: &str, details: &[Value]) -> Result<(String, Value), ErrorCode> {
    Ok((name.to_owned(), json!(details)))
}

#[test]
fn a_token_has_the_details_of_its_resource_only() {
    // RFC 9396 §9.1
    let world = World::new();
    let (one, two, other) = (pay("a.pay", 1), pay("a.pay", 2), pay("b.pay", 1));
    let granted = [one.clone(), two.clone()];
    let grant = grant_with(&[("urn:a", &granted), (B, from_ref(&other))]);
    let none = json!([]);
    assert_eq!(world.token(&grant, &[A], &none), for_server(A, &granted));
    assert_eq!(world.token(&grant, &[B], &none), for_server(B, from_ref(&other)));
    let issuer = world.tenant.issuer.as_str();
    assert_eq!(world.token(&grant, &[issuer], &none), for_server("the issuer", &[]));
    // The type alone names the resource.
    assert_eq!(world.token(&grant, &[], &json!([two])), for_server(A, from_ref(&two)));
    assert_eq!(world.token(&grant, &["urn:a"], &json!([two, two])), for_server(A, from_ref(&two)));
    let target = Err(ErrorCode::InvalidTarget);
    assert_eq!(world.token(&grant, &[B], &json!([two])), target, "another resource");
    assert_eq!(world.token(&grant, &[], &json!([two, other])), target, "two resources");
}

#[test]
fn a_token_request_only_narrows() {
    // RFC 9396 §6
    let world = World::new();
    let grant = grant_with(&[(A, &[pay("a.pay", 3)]), (B, &[])]);
    let refused = Err(ErrorCode::InvalidAuthorizationDetails);
    let mut more = pay("a.pay", 3);
    more["to"] = "Eve".into();
    for details in [
        json!([pay("a.pay", 2)]),
        json!([pay("a.pay", 3), pay("a.pay", 2)]),
        json!([{ "type": "a.pay" }]),
        json!([more]),
        json!([pay("b.pay", 3)]),
        json!([pay("unknown", 3)]),
        json!([pay("a.pay", 6)]),
    ] {
        assert_eq!(world.token(&grant, &[], &details), refused, "{details}");
    }
    let without = grant_with(&[(A, &[])]);
    assert_eq!(world.token(&without, &[], &json!([pay("a.pay", 3)])), refused);
}

#[test]
fn a_token_has_the_details_as_they_were_granted() {
    let world = World::new();
    let with = |amount: f64| json!({ "type": "a.pay", "amount": amount });
    assert_eq!(with(0.0), with(-0.0), "equal, and written in two ways");
    let grant = grant_with(&[(A, &[with(0.0)])]);
    let (_, details) = world.token(&grant, &[], &json!([with(-0.0)])).expect("narrowed");
    assert_eq!(details[0]["amount"].to_string(), "0.0");
}

#[test]
fn details_that_the_resource_no_longer_allows_are_not_given() {
    let grant = grant_with(&[(A, &[pay("a.pay", 1), pay("a.pay", 5)])]);
    let lowered = World::of([server(A, "urn:a", "a.pay", 2), server(B, "urn:b", "b.pay", 5)]);
    let left = [pay("a.pay", 1)];
    assert_eq!(lowered.token(&grant, &[A], &json!([])), for_server(A, &left));
    let none_left = World::of([server(A, "urn:a", "a.pay", 0), server(B, "urn:b", "b.pay", 5)]);
    assert_eq!(none_left.token(&grant, &[A], &json!([])), Err(ErrorCode::InvalidGrant));
    // A type that another resource has by now.
    let moved = World::of([server(A, "urn:a", "b.pay", 5), server(B, "urn:b", "a.pay", 5)]);
    assert_eq!(moved.token(&grant, &[A], &json!([])), Err(ErrorCode::InvalidGrant));
    let both = Grant { resources: grant_with(&[(A, &[]), (B, &[])]).resources, ..grant };
    assert_eq!(moved.token(&both, &[B], &json!([])), for_server(B, &[]));
}

#[test]
fn a_client_that_acts_for_itself_gets_the_details_that_it_requests() {
    let world = World::new();
    let details = json!([pay("a.pay", 1)]);
    let requested = world.requested(&[], &details).expect("valid");
    let own = words("badges");
    let target = |details: &DetailsByResource| {
        client_target(world.context(), &own, [A], details).expect("admitted")
    };
    let with = target(&requested.details);
    assert_eq!((audience(&with), json!(with.details)), (A.to_owned(), details));
    let scopes = |target: &TokenTarget<'_>, asked: Option<&str>| {
        select_client_scopes(target, asked).expect("selected").access_token
    };
    assert_eq!(scopes(&with, None), Scopes::new(), "no scope that it does not name");
    assert_eq!(scopes(&with, Some("read")), words("read"));
    let without = target(&RequestedResources::default().details);
    assert_eq!((scopes(&without, None), without.details.len()), (words("read"), 0));
}

#[test]
fn an_exchange_gives_no_details_that_the_subject_token_lacks() {
    let world = World::new();
    let (one, two) = (pay("a.pay", 1), pay("a.pay", 2));
    let grant = grant_with(&[(A, &[one.clone(), two.clone()]), (B, &[pay("b.pay", 1)])]);
    let (none, has_one) = (json!([]), json!([one]));
    let subject = world.subject(A, &has_one);
    assert_eq!(world.exchanged(&subject, &grant, (A, &none)), Ok(has_one.clone()));
    assert_eq!(world.exchanged(&subject, &grant, (B, &none)), Ok(none.clone()), "another API");
    let refused = Err(ErrorCode::InvalidAuthorizationDetails);
    assert_eq!(world.exchanged(&subject, &grant, (A, &json!([two]))), refused);
    assert_eq!(world.exchanged(&subject, &grant, (B, &json!([pay("b.pay", 1)]))), refused);
    // A subject token has no more than its grant either.
    let other = world.subject(A, &json!([pay("a.pay", 4)]));
    assert!(world.exchanged(&other, &grant, (A, &none)).is_err(), "not without the limits");
    // An ID token has no details. Its session may have several grants.
    let id_token = world.id_token();
    assert_eq!(world.exchanged(&id_token, &grant, (A, &none)), Ok(none));
    let refused = Err(ErrorCode::InvalidAuthorizationDetails);
    assert_eq!(world.exchanged(&id_token, &grant, (A, &has_one)), refused);
}

/// Some details, of a type and with an amount.
fn some_details() -> impl Strategy<Value = Vec<Value>> {
    let one = (prop::sample::select(TYPES), 0_i64..7);
    prop::collection::vec(one.prop_map(|(name, amount)| pay(name, amount)), 0..4)
}

proptest! {
    /// No path widens the details of a grant.
    #[test]
    fn no_request_gets_other_details_than_its_grant(
        (at_a, at_b) in (some_details(), some_details()),
        requested in some_details(),
        sent in some_details(),
        most in 0_i64..7,
        name in prop::option::of(prop::sample::select(NAMES)),
    ) {
        let world = World::of([server(A, "urn:a", "a.pay", most), server(B, "urn:b", "b.pay", 5)]);
        let grant = grant_with(&[(A, &at_a), (B, &at_b)]);
        let names: Vec<&str> = name.into_iter().collect();
        let requested = json!(requested);
        let within = |details: &Value, all: &[Value]| {
            details.as_array().is_some_and(|it| it.iter().all(|detail| all.contains(detail)))
        };
        let of_request = requested.as_array().cloned().unwrap_or_default();
        if let Ok((audience, details)) = world.token(&grant, &names, &requested) {
            let (granted, own) = if audience == A { (&at_a, "a.pay") } else { (&at_b, "b.pay") };
            prop_assert!(within(&details, granted), "{details}");
            prop_assert!(of_request.is_empty() || within(&details, &of_request), "{details}");
            let all = details.as_array().cloned().unwrap_or_default();
            prop_assert!(all.iter().all(|detail| detail["type"] == own));
        }
        let subject = world.subject(A, &json!(sent));
        if let Ok(details) = world.exchanged(&subject, &grant, (A, &requested)) {
            prop_assert!(within(&details, &sent) && within(&details, &at_a), "{details}");
        }
        if let Ok(details) = world.exchanged(&subject, &grant, (B, &json!([]))) {
            prop_assert_eq!(details, json!([]));
        }
    }
}
