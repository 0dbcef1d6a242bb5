//! Any token exchange: no panic, and an accepted subject token is of this issuer, in time, and of a client that may
//! have it. The new token has no scope that the subject token did not have, and does not outlive it.
#![no_main]

use std::sync::{Arc, LazyLock};

use lanyard::{
    model::{
        Client, ExchangeMode, ExchangeRule, ObjectKey, ResourceServer, ResourceServers, Tenant,
        Timestamp,
    },
    protocol::{
        params::RequestParams,
        resource::ResourceContext,
        token::{
            ExchangeRequest, SubjectContext, SubjectToken, check_access_subject, check_actor,
            check_id_subject, exchange_target,
        },
    },
};
use lanyard_fuzz::{client, grant, tenant};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SOURCE: &str = "https://a.test";
const TARGET: &str = "https://b.test";

static TENANT: LazyLock<Tenant> = LazyLock::new(tenant);
static CLIENT: LazyLock<Client> = LazyLock::new(client);
static SERVERS: LazyLock<ResourceServers> = LazyLock::new(|| {
    let server = |name: &str| ResourceServer::new(ObjectKey::new("team", "api"), name);
    let rule = ExchangeRule {
        client: CLIENT.id.clone(),
        from: SOURCE.into(),
        mode: ExchangeMode::Delegation,
        condition: None,
    };
    let source = ResourceServer { introspector: Some(CLIENT.id.clone()), ..server(SOURCE) };
    let scopes = ["read", "write"].map(str::to_owned).into();
    let target = ResourceServer { scopes, exchanges: vec![rule], ..server(TARGET) };
    ResourceServers::new(vec![Arc::new(source), Arc::new(target)])
});

fuzz_target!(|bytes: &[u8]| {
    let params = RequestParams::parse(bytes);
    if let Ok(request) = ExchangeRequest::parse(&params) {
        assert_eq!(request.actor_token.is_some(), params.get("actor_token").is_some());
        assert!(!request.subject_token.expose().is_empty());
    }
    let Ok(serde_json::Value::Object(claims)) = serde_json::from_slice(bytes) else { return };
    let context = SubjectContext { tenant: &TENANT, servers: &SERVERS, client: &CLIENT, now: NOW };
    if let Ok(token) = check_id_subject(&claims, context) {
        assert!(token.is_id_token() && token.scopes.is_empty());
        assert_eq!(claims["aud"], CLIENT.id.as_str());
    }
    let Ok(token) = check_access_subject(&claims, context) else { return };
    check_target(&token);
    assert_eq!(claims["iss"], TENANT.issuer.as_str());
    assert!(token.expires_at > NOW && claims["grant_id"].is_string());
    assert!(token.holder.is(&CLIENT) || token.audience == SOURCE);
    assert!(!claims.contains_key("cnf") || token.key.is_some());
    // A token of a person is not one of an actor.
    assert!(check_actor(token, &claims, context).is_err());
});

fn check_target(token: &SubjectToken) {
    let context = ResourceContext {
        issuer: &TENANT.issuer,
        servers: &SERVERS,
        client: &CLIENT,
        by_exchange: true,
    };
    if let Ok(target) = exchange_target(context, (token, &grant(NOW), &TENANT), [TARGET]) {
        assert_eq!(token.audience, SOURCE);
        assert!(target.scopes.is_subset(&token.scopes) && target.claims.is_empty());
        assert!(target.details.is_empty(), "the grant has none");
    }
}
