//! Properties for any objects: a build neither fails nor panics, verdicts and served state agree, and
//! the cache of earlier builds does not change the result.

use std::{collections::BTreeSet, sync::Arc};

use lanyard::{
    api::{MalformedObject, ObjectSet, StatusDigest},
    model::{AccountSource, ManagedKind, ObjectKey, ObjectRef, TenantId},
    registry::{BuildCache, ObjectOutcome, Snapshot, build_snapshot, verdict_conditions},
};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use crate::support::{
    objects,
    objects::{NOW, installation},
};

const NAMESPACES: [&str; 3] = ["team-a", "team-b", "identity"];
const NAMES: [&str; 4] = ["main", "shop", "x.y", "oauth"];

/// A value for a field of a spec: valid, invalid, or of the wrong type.
fn value() -> impl Strategy<Value = Value> {
    let words = [
        "main",
        "shop",
        "team-a",
        "identity",
        "https://x.a.test",
        "https://id.test/team-a/z",
        "http://localhost/cb",
        "https://rp.test/cb",
        "com.example.app:/cb",
        "javascript:x",
        "openid",
        "badge",
        "offline_access",
        "authorization_code",
        "implicit",
        "refresh_token",
        "client_credentials",
        "code",
        "id_token token",
        "none",
        "client_secret_post",
        "native",
        "Implied",
        "All",
        "Selector",
        "RS256",
        "ES256",
        "1h",
        "61s",
        "ada",
        "ADA",
        "team-a.shop",
        "#0f5fd7",
        "*.a.test",
        "",
        " ",
        "\u{0}",
        "ü\u{202e}",
        "2026-01-31T12:00:00Z",
    ];
    let leaf = prop_oneof![
        8 => select(words.to_vec()).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => "\\PC{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => prop::collection::btree_map("[a-z]{1,6}", inner, 0..3)
                .prop_map(|map| json!(map)),
        ]
    })
}

/// A well-formed spec of a kind, with up to two fields replaced.
fn spec(kind: &'static str) -> impl Strategy<Value = Value> {
    let fields: &[&str] = match kind {
        "Tenant" => &["issuer", "displayName", "scopes", "clients", "signing", "lifetimes"],
        "OidcClient" => &[
            "clientId",
            "redirectUris",
            "grantTypes",
            "responseTypes",
            "scopes",
            "consent",
            "tokenEndpointAuthMethod",
            "applicationType",
            "secret",
            "secretRef",
            "lifetimes",
        ],
        _ => &["subject", "email", "claims", "groups", "passwordSecretRef", "birthdate"],
    };
    let base = (
        select(NAMES.as_slice()),
        prop::option::of(select(NAMESPACES.as_slice())),
        select(["ada", "Ada", "bob"].as_slice()),
    );
    let changes = prop::collection::vec((select(fields), value()), 0..3);
    (base, changes).prop_map(move |((name, namespace, username), changes)| {
        let mut spec = match kind {
            "Tenant" => json!({
                "clients": { "namespaces": { "from": "All" } },
                "scopes": { "badge": {} },
            }),
            "OidcClient" => json!({
                "tenantRef": { "name": name, "namespace": namespace },
                "tokenEndpointAuthMethod": "none",
                "redirectUris": ["https://rp.test/cb"],
            }),
            _ => json!({ "tenantRef": { "name": name }, "username": username }),
        };
        for (field, value) in changes {
            spec[field] = value;
        }
        spec
    })
}

fn document() -> impl Strategy<Value = Value> {
    let object = |kind: &'static str| {
        let metadata = (
            select(NAMESPACES.as_slice()),
            select(NAMES.as_slice()),
            0..4_u8,
            prop::bool::weighted(0.1),
        );
        (metadata, spec(kind)).prop_map(move |((namespace, name, day, going), spec)| {
            let mut metadata = json!({
                "namespace": namespace, "name": name,
                "creationTimestamp": format!("2026-01-0{}T00:00:00Z", day + 1),
            });
            if going {
                metadata["deletionTimestamp"] = json!("2026-02-01T00:00:00Z");
            }
            let version = "lanyard.dev/v1alpha1";
            json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec })
        })
    };
    let keys =
        (select(NAMESPACES.as_slice()), select(NAMES.as_slice())).prop_map(|(namespace, name)| {
            let owner = format!("Tenant/{name}");
            json!({
                "kind": "Secret", "stringData": { "KEYS": "RS256" },
                "metadata": {
                    "namespace": namespace, "name": format!("{name}-signing-keys"),
                    "annotations": { "lanyard.dev/owner": owner },
                },
            })
        });
    prop_oneof![3 => object("Tenant"), 4 => object("OidcClient"), 3 => object("OidcUser"), 3 => keys]
}

fn rebuilt(objects: &ObjectSet, cache: &BuildCache) -> Snapshot {
    build_snapshot(objects, &installation(false), cache, 1, NOW)
}

/// The verdicts, conditions and served state of a snapshot, in a fixed order.
fn rendered(snapshot: &Snapshot) -> String {
    let mut lines = Vec::new();
    for verdict in snapshot.verdicts().iter() {
        lines.push(format!(
            "{verdict:?} {:?}",
            verdict_conditions(verdict, &StatusDigest::default(), NOW)
        ));
    }
    let tenants: BTreeSet<_> = snapshot.tenants().map(|tenant| &tenant.tenant.id).collect();
    for id in tenants {
        let served = snapshot.tenant(id).expect("it was listed");
        let mut clients: Vec<_> = served.clients().collect();
        clients.sort_by_key(|client| &client.id);
        let passwords: Vec<_> = served.passwords().collect();
        let accounts = served.accounts();
        lines.push(format!("{:?} {clients:?} {accounts:?} {passwords:?}", served.tenant));
    }
    lines.join("\n")
}

fn insert(into: &mut ObjectSet, document: &Value) {
    let one = objects::objects([document.clone()]);
    for (key, object) in one.managed.all() {
        into.managed.insert(key.clone(), object.clone());
    }
    into.secrets.extend(one.secrets);
    into.malformed.extend(one.malformed);
}

/// Every object that is not being deleted, and every malformed object.
fn judged(objects: &ObjectSet) -> BTreeSet<ObjectRef> {
    let living = objects.managed.all().filter(|(_, object)| !object.is_deleting());
    let living = living.map(|(key, object)| ObjectRef::new(object.kind(), key.clone()));
    living.chain(objects.malformed.keys().cloned()).collect()
}

fn agrees(snapshot: &Snapshot) {
    for verdict in snapshot.verdicts().iter() {
        let object = &verdict.object;
        let client = |id: &str, issuer: &str| {
            snapshot
                .tenants()
                .find(|tenant| tenant.tenant.issuer.as_str() == issuer)
                .and_then(|tenant| tenant.declared_client(id).cloned())
        };
        match &verdict.outcome {
            ObjectOutcome::Tenant(it) => {
                let found = snapshot.tenant(&TenantId(object.key.clone()));
                assert_eq!(it.served, found.is_some(), "{object}");
                let Some(found) = found else { continue };
                let issuer = &found.tenant.issuer;
                let path = format!("{}/oauth/token", issuer.path());
                let (routed, rest) = snapshot.route(issuer.authority(), &path).expect("routed");
                assert!(Arc::ptr_eq(routed, found) && rest == "/oauth/token", "{object}");
            }
            ObjectOutcome::Client(it) if it.served => {
                let (id, issuer) = (it.client_id.as_ref(), it.issuer.as_ref());
                let (id, issuer) = (id.expect("an id"), issuer.expect("an issuer"));
                let served = client(id.as_str(), issuer.as_str()).expect("it is served");
                assert_eq!(served.object, object.key);
                if served.tenant.0.namespace != object.key.namespace {
                    let own = format!("{}.{}", object.key.namespace, object.key.name);
                    assert_eq!(
                        id.as_str(),
                        own,
                        "a client of another namespace cannot choose its ID"
                    );
                }
            }
            ObjectOutcome::User(it) if it.served => {
                let subject = it.subject.as_ref().expect("a subject");
                let served = snapshot
                    .tenants()
                    .filter(|tenant| tenant.tenant.id.0.namespace == object.key.namespace)
                    .filter_map(|tenant| tenant.account_by_subject(subject))
                    .filter(|user| user.source == AccountSource::Resource(object.key.clone()));
                assert_eq!(served.count(), 1, "{object}");
            }
            ObjectOutcome::Provider(it) if it.served => {
                let served = snapshot
                    .tenants()
                    .flat_map(|tenant| tenant.providers())
                    .filter(|provider| provider.object == object.key);
                assert_eq!(served.count(), 1, "{object}");
            }
            ObjectOutcome::Client(_)
            | ObjectOutcome::User(_)
            | ObjectOutcome::Provider(_)
            | ObjectOutcome::ResourceServer(_)
            | ObjectOutcome::Malformed => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn snapshot_agrees_with_its_verdicts(
        documents in prop::collection::vec(document(), 0..20),
    ) {
        let mut all = ObjectSet::default();
        for document in &documents {
            insert(&mut all, document);
        }
        let snapshot = rebuilt(&all, &BuildCache::default());
        let verdicts: BTreeSet<ObjectRef> =
            snapshot.verdicts().iter().map(|it| it.object.clone()).collect();
        prop_assert_eq!(verdicts, judged(&all));
        agrees(&snapshot);
    }

    #[test]
    fn incremental_rebuild_equals_a_full_build(
        documents in prop::collection::vec(document(), 1..20),
        lost in any::<prop::sample::Index>(),
    ) {
        let (mut all, cache) = (ObjectSet::default(), BuildCache::default());
        for document in &documents {
            insert(&mut all, document);
            let found = rendered(&rebuilt(&all, &cache));
            prop_assert_eq!(found, rendered(&rebuilt(&all, &BuildCache::default())));
        }
        let key = documents[lost.index(documents.len())]["metadata"]["name"].clone();
        let tenants = all.managed.of_kind(ManagedKind::Tenant).keys();
        let lost: Vec<_> = tenants.filter(|tenant| key == json!(tenant.name)).cloned().collect();
        for tenant in lost {
            all.managed.remove(ManagedKind::Tenant, &tenant);
        }
        all.secrets.retain(|secret, _| key == json!(secret.name));
        let found = rendered(&rebuilt(&all, &cache));
        prop_assert_eq!(found, rendered(&rebuilt(&all, &BuildCache::default())));
    }

    #[test]
    fn malformed_object_does_not_affect_others(
        documents in prop::collection::vec(document(), 0..12),
    ) {
        let mut all = ObjectSet::default();
        for document in &documents {
            insert(&mut all, document);
        }
        all.malformed.clear();
        let before = rendered(&rebuilt(&all, &BuildCache::default()));
        let key = ObjectKey::new("team-c", "broken");
        let object = ObjectRef::new(ManagedKind::OidcClient, key);
        let message = "spec: missing".to_owned();
        let broken = MalformedObject { message, generation: Some(1), ..MalformedObject::default() };
        all.malformed.insert(object.clone(), broken);
        let snapshot = rebuilt(&all, &BuildCache::default());
        let verdict = snapshot.verdicts().get(&object).expect("a verdict");
        prop_assert!(matches!(verdict.outcome, ObjectOutcome::Malformed));
        let after = rendered(&snapshot);
        let others: Vec<&str> = after.lines().filter(|line| !line.contains("team-c")).collect();
        prop_assert_eq!(before.lines().collect::<Vec<_>>(), others);
    }
}
