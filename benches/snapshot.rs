//! The time until a changed object is served, with 1,000 tenants of 10 clients each, and until 10,000
//! identity providers are validated.
//!
//! Guide: 5,000 tenants with two providers each are built in less than the 5 s within which a replica
//! with 1,000 tenants is ready.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lanyard::{
    api::{
        CachedObject, CachedSecret, IdentityProvider, MANAGED_LABEL, ManagedObject,
        OWNER_ANNOTATION, ObjectSet, OidcClient, SecretState, Tenant,
    },
    keys::{KeyTimes, generate_key_record, write_key},
    model::{
        HostSettings, Installation, Issuer, KeySecrets, ObjectKey, SecretPermissions,
        SigningAlgorithm, Timestamp,
    },
    registry::{BuildCache, build_snapshot},
};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn installation() -> Installation {
    Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings::default(),
        client_secrets: SecretPermissions::default(),
        dev: false,
        keeps_authenticators: true,
        mutual_tls: None,
        key_secrets: KeySecrets::new("lanyard", ""),
        languages: lanyard::messages::Languages::built_in(),
    }
}

fn cached<K: ManagedObject>(key: &ObjectKey, object: Value) -> CachedObject<K> {
    CachedObject::new(key, serde_json::from_value(object).expect("an object"))
}

/// Tenants that share one key, since generating a thousand takes minutes.
fn objects(tenants: usize, clients: usize) -> ObjectSet {
    let times = KeyTimes { published_at: NOW, signs_from: NOW, retire_at: None };
    let key = generate_key_record(SigningAlgorithm::RS256, times).expect("a key");
    let mut objects = ObjectSet::default();
    for tenant in 0..tenants {
        let namespace = format!("team-{tenant}");
        let object = |name: &str, spec: Value| {
            let metadata = json!({ "namespace": namespace, "name": name });
            json!({ "apiVersion": "lanyard.dev/v1alpha1", "kind": "X", "metadata": metadata, "spec": spec })
        };
        let main = ObjectKey::new(&namespace, "main");
        objects.managed.insert(main.clone(), cached::<Tenant>(&main, object("main", json!({}))));
        let (name, data) = write_key(&key);
        secret(
            &mut objects,
            &namespace,
            "main-signing-keys",
            "Tenant/main",
            &json!({ name: data }),
        );
        for client in 0..clients {
            let name = format!("client-{client}");
            let spec = json!({
                "tenantRef": { "name": "main" },
                "redirectUris": ["https://rp.test/cb", "http://localhost:4180/cb"],
            });
            let key = ObjectKey::new(&namespace, &name);
            objects.managed.insert(key.clone(), cached::<OidcClient>(&key, object(&name, spec)));
            let data = json!({ "client-secret": "c2VjcmV0" });
            let owner = format!("OidcClient/{name}");
            secret(&mut objects, &namespace, &format!("{name}-oidc"), &owner, &data);
        }
    }
    objects
}

fn secret(objects: &mut ObjectSet, namespace: &str, name: &str, owner: &str, data: &Value) {
    let metadata = json!({
        "namespace": namespace, "name": name,
        "labels": { MANAGED_LABEL: "true" }, "annotations": { OWNER_ANNOTATION: owner },
    });
    let secret = json!({ "metadata": metadata, "data": data });
    let secret = CachedSecret::new(serde_json::from_value(secret).expect("a Secret"));
    objects.secrets.insert(ObjectKey::new(namespace, name), SecretState::Loaded(secret));
}

fn snapshot(criterion: &mut Criterion) {
    let (mut objects, installation) = (objects(1000, 10), installation());
    let mut group = criterion.benchmark_group("snapshot of 1,000 tenants x 10 clients");
    group.sample_size(20);
    group.bench_function("from nothing", |bencher| {
        bencher.iter(|| {
            build_snapshot(black_box(&objects), &installation, &BuildCache::default(), 1, NOW)
        });
    });
    let cache = BuildCache::default();
    build_snapshot(&objects, &installation, &cache, 1, NOW);
    let key = ObjectKey::new("team-500", "client-5");
    group.bench_function("after a change of one client", |bencher| {
        bencher.iter(|| {
            let before = objects.managed.get::<OidcClient>(&key).expect("the client");
            let changed = CachedObject::new(&key, before.declared(&key));
            objects.managed.insert(key.clone(), changed);
            build_snapshot(black_box(&objects), &installation, &cache, 2, NOW)
        });
    });
    let built = build_snapshot(&objects, &installation, &cache, 3, NOW);
    group.bench_function("finding a tenant and a client in it", |bencher| {
        bencher.iter(|| {
            let path = black_box("/team-500/main/oauth/token");
            let (tenant, _) = built.route("id.test", path).expect("served");
            tenant.declared_client(black_box("team-500.client-5")).cloned()
        });
    });
    group.finish();
}

/// Adds identity providers to each tenant, with expressions, rules and an example.
fn add_providers(objects: &mut ObjectSet, tenants: usize, providers: usize) {
    for tenant in 0..tenants {
        let namespace = format!("team-{tenant}");
        secret(objects, &namespace, "upstream", "", &json!({ "client-secret": "c2VjcmV0" }));
        for provider in 0..providers {
            let name = format!("corp-{provider}");
            let key = ObjectKey::new(&namespace, &name);
            let object = json!({
                "apiVersion": "lanyard.dev/v1alpha1",
                "kind": "IdentityProvider",
                "metadata": { "namespace": namespace, "name": name },
                "spec": provider_spec(tenant, &name),
            });
            objects.managed.insert(key.clone(), cached::<IdentityProvider>(&key, object));
        }
    }
}

fn provider_spec(tenant: usize, name: &str) -> Value {
    json!({
        "tenantRef": { "name": "main" },
        "type": "OIDC",
        "oidc": {
            "issuer": format!("https://{name}.team-{tenant}.test"),
            "clientId": "lanyard",
            "clientSecretRef": { "name": "upstream" },
        },
        "emailDomains": [format!("{name}.test")],
        "claimMappings": {
            "username": { "claim": "preferred_username", "prefix": format!("{name}:") },
            "emailVerified": { "expression": "claims.?email_verified.orValue(false) == true" },
            "groups": { "claim": "groups", "include": ["k8s-*"], "prefix": format!("{name}:") },
        },
        "claimValidationRules": [{ "claim": "hd", "requiredValue": "acme.test" }],
        "userValidationRules": [{ "expression": "user.groups.exists(g, g.endsWith('k8s-users'))" }],
        "examples": [{
            "claims": {
                "sub": "1", "preferred_username": "ada", "hd": "acme.test",
                "groups": ["k8s-users", "other"],
            },
            "expects": {
                "username": format!("{name}:ada"), "groups": [format!("{name}:k8s-users")],
            },
        }],
        "admit": "ByRules",
    })
}

fn identity_providers(criterion: &mut Criterion) {
    const TENANTS: usize = 5000;
    let (mut objects, installation) = (objects(TENANTS, 0), installation());
    let mut group = criterion.benchmark_group("snapshot of 5,000 tenants");
    group.sample_size(10);
    for providers in [0, 2] {
        add_providers(&mut objects, TENANTS, providers);
        let built = build_snapshot(&objects, &installation, &BuildCache::default(), 1, NOW);
        let (tenant, _) = built.route("id.test", "/team-7/main/oauth/token").expect("served");
        assert_eq!(tenant.providers().len(), providers, "all are accepted");
        group.bench_function(format!("{providers} identity providers each"), |bencher| {
            bencher.iter(|| {
                build_snapshot(black_box(&objects), &installation, &BuildCache::default(), 1, NOW)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, snapshot, identity_providers);
criterion_main!(benches);
