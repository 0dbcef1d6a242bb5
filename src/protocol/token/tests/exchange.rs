//! Tests of token exchange (RFC 8693): no path widens scope, lifetime or binding, nor the audience but by a rule.

use std::time::Duration;

use proptest::collection::btree_set;
use serde_json::{Value, json};

use super::*;
use crate::{
    expression::{Expression, ExpressionScope},
    model::{
        Account, Client, ClientId, ExchangeMode, ExchangeRule, ObjectKey, ResourceServer,
        ResourceServers, Tenant,
    },
    protocol::{
        claims::Claims,
        records::SenderBinding,
        resource::ResourceContext,
        sender_keys::{BoundKey, SenderKeys},
    },
};

const A: &str = "https://a.test";
const B: &str = "https://b.test";

struct World {
    tenant: Tenant,
    client: Client,
    account: Account,
    servers: ResourceServers,
}

fn rule(from: &str, mode: ExchangeMode, condition: Option<&str>) -> ExchangeRule {
    let parse = |text| Expression::parse(text, ExpressionScope::Access).expect("an expression");
    let client = fixtures::client().id;
    ExchangeRule { client, from: from.into(), mode, condition: condition.map(parse) }
}

/// The API `A`, which the client is, and `B` with these scopes, claims and rules.
fn world(scopes: &Scopes, claims: &Scopes, exchanges: Vec<ExchangeRule>) -> World {
    let (client, key) = (fixtures::client(), |name| ObjectKey::new("team", name));
    let a = ResourceServer {
        introspector: Some(client.id.clone()),
        alternates: ["urn:a".into()].into(),
        ..ResourceServer::new(key("a"), A)
    };
    let b = ResourceServer {
        scopes: scopes.clone(),
        claims: claims.clone(),
        exchanges,
        ..ResourceServer::new(key("b"), B)
    };
    World {
        tenant: fixtures::tenant(),
        client,
        account: fixtures::user(),
        servers: ResourceServers::new(vec![Arc::new(a), Arc::new(b)]),
    }
}

fn delegating() -> World {
    let rules = vec![rule(A, ExchangeMode::Delegation, None)];
    world(&words("read write"), &words("groups email"), rules)
}

/// The claims of an access token for `A`.
fn access_claims(more: Value) -> Claims {
    let Value::Object(mut claims) = json!({
        "iss": "https://id.test/team/shop",
        "aud": A,
        "sub": "alice-id",
        "client_id": "team.app",
        "jti": "token-1",
        "iat": NOW.secs(),
        "exp": NOW.secs() + 300,
        "scope": "read admin",
        "grant_id": "grant-1",
    }) else {
        unreachable!("an object")
    };
    let Value::Object(more) = more else { panic!("an object") };
    claims.extend(more);
    claims.retain(|_, value| !value.is_null());
    claims
}

impl World {
    fn of(&self) -> SubjectContext<'_> {
        let (tenant, servers, client) = (&self.tenant, &self.servers, &self.client);
        SubjectContext { tenant, servers, client, now: NOW }
    }

    fn subject(&self, more: Value) -> Result<SubjectToken, OAuthError> {
        check_access_subject(&access_claims(more), self.of())
    }

    fn resources(&self) -> ResourceContext<'_> {
        let (issuer, servers, client) = (&self.tenant.issuer, &self.servers, &self.client);
        ResourceContext { issuer, servers, client, by_exchange: true }
    }

    fn decide(
        &self,
        subject: &SubjectToken,
        grant: &Grant,
        keys: SenderKeys<'_>,
    ) -> Result<UserGrant, ErrorCode> {
        let (client, now) = (&self.client, NOW);
        let input = DecisionInput { client, stored: Some(grant), keys, now, store_now: NOW };
        let decision = decide_exchange(subject, input).map_err(|refusal| refusal.error.code)?;
        assert_eq!(decision.scopes, Scopes::new(), "nothing of the client itself");
        Ok(decision.user.expect("a grant"))
    }

    fn target(&self, subject: &SubjectToken) -> Result<TokenTarget<'_>, ErrorCode> {
        self.target_of(subject, &grant(1, NOW))
    }

    fn target_of(
        &self,
        subject: &SubjectToken,
        grant: &Grant,
    ) -> Result<TokenTarget<'_>, ErrorCode> {
        let of = (subject, grant, &self.tenant);
        exchange_target(self.resources(), of, [B]).map_err(|it| it.code)
    }

    fn allow(&self, subject: &SubjectToken) -> Result<Option<Value>, ErrorCode> {
        let server = self.servers.find(B).expect("a server");
        let grant = grant(1, NOW);
        let parties = ExchangeParties {
            tenant: &self.tenant,
            servers: &self.servers,
            client: &self.client,
            account: &self.account,
            grant: &grant,
        };
        allow_exchange(server, subject, parties).map_err(|error| error.code)
    }
}

#[test]
fn a_client_is_the_holder_or_the_audience_of_a_subject_token() {
    let world = delegating();
    assert!(world.subject(json!({})).is_ok(), "for the API that it is");
    let own = json!({ "client_id": "team.wiki", "aud": B });
    assert!(world.subject(own).is_ok(), "issued to it");
    let issuer = "https://id.test/team/shop";
    let of_another_object =
        json!({ "client_id": "team.wiki", "aud": B, "client_object": "team/old" });
    for refused in [
        of_another_object,
        json!({ "aud": B }),
        json!({ "aud": issuer }),
        json!({ "aud": [A] }),
        json!({ "aud": null }),
        json!({ "iss": "https://id.test/team/other" }),
        json!({ "exp": NOW.secs() }),
        json!({ "exp": null }),
        json!({ "grant_id": null }),
        json!({ "sub": null }),
        json!({ "cnf": { "kid": "a" } }),
        json!({ "cnf": { "jkt": "a", "x5t#S256": "a" } }),
    ] {
        let error = world.subject(refused.clone()).expect_err(&refused.to_string());
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{refused}");
    }
}

#[test]
fn an_id_token_is_of_the_client_and_names_a_session() {
    let world = delegating();
    let claims = |more| {
        let mut claims = access_claims(more);
        claims.remove("client_id");
        claims
    };
    let good = claims(json!({ "aud": "team.wiki", "sid": "sid-1" }));
    let token = check_id_subject(&good, world.of()).expect("accepted");
    assert!(token.is_id_token() && token.scopes.is_empty());
    assert_eq!(token.grant_id, "grant-1");
    for refused in [
        json!({ "aud": "team.app", "sid": "sid-1" }),
        json!({ "aud": "team.wiki" }),
        json!({ "aud": "team.wiki", "sid": "sid-1", "grant_id": null }),
    ] {
        assert!(check_id_subject(&claims(refused), world.of()).is_err());
    }
}

#[test]
fn the_scopes_of_an_id_token_are_those_of_its_grant() {
    let world = delegating();
    let mut claims = access_claims(json!({ "aud": "team.wiki", "sid": "sid-1" }));
    claims.remove("client_id");
    let token = check_id_subject(&claims, world.of()).expect("accepted");
    let mut stored = grant(1, NOW);
    stored.scopes.insert("lost".into());
    let user = world.decide(&token, &stored, SenderKeys::default()).expect("allowed");
    assert!(user.needs_session);
    assert_eq!(user.subject_token.expect("a token").scopes, words("email openid"));
    // Another object has the ID of the client now.
    stored.client_object = Some(ObjectKey::new("team", "old"));
    let refused = world.decide(&token, &stored, SenderKeys::default());
    assert_eq!(refused, Err(ErrorCode::InvalidRequest));
}

#[test]
fn the_first_rule_that_the_person_meets_counts() {
    let modes = |conditions: &[(ExchangeMode, Option<&str>)]| {
        let rules = conditions.iter().map(|(mode, condition)| rule("urn:a", *mode, *condition));
        let world = world(&words("read"), &Scopes::new(), rules.collect());
        let subject = world.subject(json!({})).expect("accepted");
        world.target(&subject).and_then(|_| world.allow(&subject))
    };
    let (delegation, impersonation) = (ExchangeMode::Delegation, ExchangeMode::Impersonation);
    let actor = Some(json!({ "sub": "team.wiki" }));
    let no = Some("user.username == 'bob'");
    let fails = Some("user.email == 'a'");
    assert_eq!(modes(&[(delegation, None), (impersonation, None)]), Ok(actor.clone()));
    assert_eq!(modes(&[(impersonation, None), (delegation, None)]), Ok(None));
    assert_eq!(modes(&[(impersonation, no), (delegation, None)]), Ok(actor));
    assert_eq!(modes(&[(delegation, fails), (impersonation, None)]), Ok(None));
    for refused in [&[][..], &[(delegation, no)], &[(delegation, fails), (impersonation, no)]] {
        assert_eq!(modes(refused), Err(ErrorCode::InvalidTarget), "{refused:?}");
    }
}

#[test]
fn actors_are_a_bounded_chain() {
    // RFC 8693 §4.1
    let world = delegating();
    let chain = |length: usize| {
        (1..length).fold(json!({ "sub": "one" }), |inner, _| json!({ "sub": "n", "act": inner }))
    };
    let before = world.subject(json!({ "act": chain(MAX_ACTORS - 1) })).expect("accepted");
    let after = world.allow(&before).expect("allowed").expect("an actor");
    assert_eq!((&after["sub"], &after["act"]), (&json!("team.wiki"), &chain(MAX_ACTORS - 1)));
    let full = world.subject(json!({ "act": after })).expect("accepted");
    assert_eq!(full.actor_count(), MAX_ACTORS);
    assert_eq!(world.allow(&full), Err(ErrorCode::InvalidRequest));
}

#[test]
fn an_actor_token_is_of_the_client_itself_and_asks_for_delegation() {
    let impersonating = vec![rule(A, ExchangeMode::Impersonation, None)];
    let world = world(&words("read"), &Scopes::new(), impersonating);
    let subject = || world.subject(json!({})).expect("accepted");
    let own = json!({ "client_id": "team.wiki", "sub": "team.wiki", "grant_id": null,
        "exp": NOW.secs() + 10 });
    let both = check_actor(subject(), &access_claims(own), world.of()).expect("accepted");
    assert_eq!(both.expires_at, NOW.plus(Duration::from_secs(10)));
    assert_eq!(world.target(&both).expect_err("no delegation"), ErrorCode::InvalidTarget);
    assert!(world.target(&subject()).is_ok());
    for refused in [
        json!({ "client_id": "team.wiki", "sub": "team.wiki" }),
        json!({ "client_id": "team.wiki", "grant_id": null }),
        json!({ "sub": "team.app", "grant_id": null }),
        json!({ "client_id": "team.wiki", "sub": "team.wiki", "grant_id": null,
            "client_object": "team/old" }),
    ] {
        assert!(check_actor(subject(), &access_claims(refused), world.of()).is_err());
    }
}

/// The claims of a token that the client got for itself, bound to a key.
fn actor_claims(key: Option<&BoundKey>) -> Claims {
    access_claims(json!({ "client_id": "team.wiki", "sub": "team.wiki", "aud": B,
        "grant_id": null, "cnf": key.map(confirmation) }))
}

fn confirmation(key: &BoundKey) -> Value {
    let (name, value) = key.confirmation();
    json!({ name: value })
}

#[test]
fn the_key_of_an_actor_token_does_not_replace_that_of_the_grant() {
    let world = delegating();
    let two = BoundKey::Dpop("two".to_owned());
    let proof = SenderKeys { dpop: Some("two"), certificate: None };
    let subject = |cnf: Value| {
        let subject = world.subject(json!({ "cnf": cnf })).expect("accepted");
        check_actor(subject, &actor_claims(Some(&two)), world.of()).expect("an actor")
    };
    let bound_to = |binding| Grant { binding, ..grant(1, NOW) };
    let refused = Err(ErrorCode::InvalidRequest);
    for binding in [SenderBinding::DpopKey("one".into()), SenderBinding::AnyCertificate] {
        let found = world.decide(&subject(Value::Null), &bound_to(Some(binding)), proof);
        assert_eq!(found, refused);
    }
    assert_eq!(world.decide(&subject(json!({ "jkt": "one" })), &bound_to(None), proof), refused);
    let unbound = subject(Value::Null);
    assert!(world.decide(&unbound, &bound_to(None), proof).is_ok());
    let without = world.decide(&unbound, &bound_to(None), SenderKeys::default());
    assert_eq!(without, Err(ErrorCode::InvalidDpopProof), "the actor token has a key");
}

#[test]
fn a_grant_that_ended_gives_nothing() {
    let world = delegating();
    let subject = world.subject(json!({})).expect("accepted");
    let state = GrantState::Revoked { at: NOW };
    let revoked = Grant { state, ..grant(1, NOW) };
    let ended = Grant { ends_at: NOW, ..grant(1, NOW) };
    for grant in [revoked, ended] {
        let refused = world.decide(&subject, &grant, SenderKeys::default());
        assert_eq!(refused, Err(ErrorCode::InvalidRequest));
    }
}

fn names() -> impl Strategy<Value = Scopes> {
    let name = prop_oneof!["read", "write", "admin", "groups", "email", "openid"];
    btree_set(name, 0..5).prop_map(|names| names.into_iter().collect())
}

proptest! {
    #[test]
    fn no_exchange_widens_scope_lifetime_or_binding_nor_the_audience_but_by_a_rule(
        (sent, scopes, claims) in (names(), names(), names()),
        (from, by_other) in (prop_oneof![Just(A), Just("urn:a"), Just(B), Just("team.wiki")], any::<bool>()),
        (left, grant_left, granted_by) in (1_i64..900, 0_i64..900, 0_u8..5),
        (bound, actor) in (any::<Option<(bool, bool)>>(), any::<Option<Option<(bool, bool)>>>()),
        (dpop, certificate) in (any::<Option<bool>>(), any::<Option<bool>>()),
    ) {
        let key = |one: bool| if one { "one" } else { "two" };
        let mut allowed = rule(from, ExchangeMode::Delegation, None);
        if by_other {
            allowed.client = ClientId::new("team.other");
        }
        let world = world(&scopes, &claims, vec![allowed]);
        let bound_key = |(by_dpop, one): (bool, bool)| {
            let name = key(one).to_owned();
            if by_dpop { BoundKey::Dpop(name) } else { BoundKey::Certificate(name) }
        };
        let (bound, actor_key) = (bound.map(bound_key), actor.flatten().map(bound_key));
        let cnf = bound.as_ref().map(confirmation);
        let claims_before = json!({
            "scope": scope::join_scopes(&sent), "exp": NOW.secs() + left, "cnf": cnf,
        });
        let mut subject = world.subject(claims_before).expect("accepted");
        if actor.is_some() {
            let claims = actor_claims(actor_key.as_ref());
            subject = check_actor(subject, &claims, world.of()).expect("an actor");
        }
        let binding = match granted_by {
            0 => None,
            1 => Some(SenderBinding::AnyDpopKey),
            2 => Some(SenderBinding::DpopKey("one".into())),
            3 => Some(SenderBinding::AnyCertificate),
            _ => Some(SenderBinding::Certificate("one".into())),
        };
        let ends_at = NOW.plus(Duration::from_secs(grant_left.unsigned_abs()));
        let stored = Grant { ends_at, binding: binding.clone(), ..grant(1, NOW) };
        let keys = SenderKeys { dpop: dpop.map(key), certificate: certificate.map(key) };
        let Ok(user) = world.decide(&subject, &stored, keys) else { return Ok(()) };
        prop_assert_eq!(&user.grant, &stored, "the grant stays as it is");
        prop_assert_eq!(user.refresh_token, RefreshTokenResponse::Withheld);
        // The key of the request is that of the token, and bound tokens and grants need one.
        match (&bound, &binding) {
            (Some(BoundKey::Dpop(key)), _) => prop_assert_eq!(keys.dpop, Some(key.as_str())),
            (Some(BoundKey::Certificate(hash)), _) => {
                prop_assert_eq!(keys.certificate, Some(hash.as_str()));
            }
            (None, Some(SenderBinding::AnyDpopKey)) => prop_assert!(keys.dpop.is_some()),
            (None, Some(SenderBinding::DpopKey(_))) => prop_assert_eq!(keys.dpop, Some("one")),
            (None, Some(SenderBinding::AnyCertificate)) => {
                prop_assert!(keys.certificate.is_some());
            }
            (None, Some(SenderBinding::Certificate(_))) => {
                prop_assert_eq!(keys.certificate, Some("one"));
            }
            (None, None) => {}
        }
        match &actor_key {
            Some(BoundKey::Dpop(key)) => prop_assert_eq!(keys.dpop, Some(key.as_str())),
            Some(BoundKey::Certificate(hash)) => {
                prop_assert_eq!(keys.certificate, Some(hash.as_str()));
            }
            None => {}
        }
        let is_bound = subject.needs_key() || binding.is_some();
        prop_assert_eq!(subject.needs_key(), bound.is_some() || actor_key.is_some());
        let key = select_bound_key(&world.client, None, keys, is_bound).expect("a key");
        prop_assert!(key.is_some() || !is_bound, "a bound token gives a bound one");
        let after = user.subject_token.expect("a token");
        prop_assert!(after.expires_at <= subject.expires_at && after.expires_at <= ends_at);
        prop_assert!(user.referenced_until <= after.expires_at);
        let Ok(target) = world.target(&after) else { return Ok(()) };
        prop_assert!([A, "urn:a"].contains(&from) && !by_other, "by a rule");
        prop_assert_eq!(target.server.map(|server| &*server.identifier), Some(B));
        prop_assert!(target.scopes.is_subset(&sent) && target.scopes.is_subset(&scopes));
        for claim in target.claims.iter() {
            prop_assert!(claims.contains(claim) && after.discloses_claim(claim, &world.tenant));
        }
        let selected = select_token_scopes(&target, &Scopes::new(), None).expect("selected");
        prop_assert!(selected.access_token.is_subset(&sent));
        prop_assert!(selected.id_token.is_empty());
    }
}
