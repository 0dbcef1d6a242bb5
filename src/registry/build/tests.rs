use super::*;
use crate::{
    api::{AnyCachedObject, CachedObject},
    model::{HostSettings, Issuer},
};

fn build_of(objects: &ObjectSet) -> Snapshot {
    let installation = Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings::default(),
        client_secrets: crate::model::SecretPermissions::default(),
        dev: false,
        sealing_secret: ObjectKey::new("lanyard", "sealing-keys"),
    };
    build_snapshot(
        objects,
        &installation,
        &BuildCache::default(),
        1,
        Timestamp::from_secs(1_800_000_000),
    )
}

/// An object whose spec has fields that this release does not know.
fn of_tomorrow(kind: ManagedKind, spec: &serde_json::Value) -> (ObjectKey, AnyCachedObject) {
    let key = ObjectKey::new("team", "main");
    let object = serde_json::json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": kind.as_str(),
        "metadata": { "name": "main", "namespace": "team" }, "spec": spec,
    });
    let unknown: Box<[Box<str>]> = ["spec.requireMfa".into()].into();
    let cached = crate::api::with_kind!(kind, K => {
        let object: K = serde_json::from_value(object).expect("an object");
        CachedObject::new(&key, object).with_unknown_fields(unknown).into()
    });
    (key, cached)
}

#[test]
fn an_object_with_an_unknown_field_is_not_served() {
    let reference = serde_json::json!({ "name": "main" });
    let specs = [
        (ManagedKind::Tenant, serde_json::json!({})),
        (
            ManagedKind::OidcClient,
            serde_json::json!({ "tenantRef": reference, "redirectUris": ["https://a.test/cb"] }),
        ),
        (ManagedKind::OidcUser, serde_json::json!({ "tenantRef": reference, "username": "ada" })),
    ];
    for (kind, spec) in specs {
        let mut objects = ObjectSet::default();
        let tenant = CachedObject::new(
            &ObjectKey::new("team", "main"),
            Tenant::new("main", crate::api::TenantSpec::default()),
        );
        objects.managed.insert(ObjectKey::new("team", "main"), tenant);
        let (key, object) = of_tomorrow(kind, &spec);
        objects.managed.insert(key.clone(), object);
        let snapshot = build_of(&objects);
        let verdict = snapshot.verdicts().get(&ObjectRef::new(kind, key)).expect("judged");
        assert!(!verdict.served(), "{kind:?}");
        let refused: Vec<_> = verdict
            .problems
            .iter()
            .filter(|it| it.reason == ConditionReason::UnsupportedField)
            .collect();
        assert_eq!(refused.len(), 1, "{:?}", verdict.problems);
        assert_eq!(refused[0].field, "spec.requireMfa");
    }
}
