use super::*;
use crate::{
    api::{AnyCachedObject, CachedObject, ConditionType, ManagedObject},
    model::{HostPattern, HostPermission, HostSettings, Issuer},
};

fn build_of(objects: &ObjectSet) -> Snapshot {
    build_with(objects, &[])
}

/// The snapshot of an installation whose namespaces may all use these hosts for issuers.
fn build_with(objects: &ObjectSet, hosts: &[&str]) -> Snapshot {
    let permission = |host: &&str| HostPermission {
        pattern: HostPattern::parse(host).expect("a pattern"),
        namespaces: vec!["*".to_owned()],
    };
    let installation = Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings {
            issuer_hosts: hosts.iter().map(permission).collect(),
            ..HostSettings::default()
        },
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

/// A tenant that asks for the issuer, with its status and a key Secret that remembers the issuer.
fn put_claimant(objects: &mut ObjectSet, namespace: &str, status: &serde_json::Value) {
    let key = ObjectKey::new(namespace, "main");
    let tenant = serde_json::json!({
        "metadata": { "name": "main", "namespace": namespace },
        "spec": { "issuer": "https://login.test" }, "status": status,
    });
    let tenant: Tenant = serde_json::from_value(tenant).expect("a tenant");
    objects.managed.insert(key.clone(), CachedObject::new(&key, tenant));
    let secret = key.beside(signing_keys_name(&key.name));
    let mut metadata = owner::owned_metadata(&secret, "Tenant/main");
    let issuer = (crate::api::ISSUER_ANNOTATION.to_owned(), "https://login.test".to_owned());
    metadata.annotations.get_or_insert_default().extend([issuer]);
    let content = k8s_openapi::api::core::v1::Secret { metadata, ..Default::default() };
    let content = crate::api::CachedSecret::new(content);
    objects.secrets.insert(secret, SecretState::Loaded(content));
}

#[test]
fn only_a_tenant_that_was_created_again_is_known_by_the_annotation_of_its_secret() {
    let conflict = serde_json::json!({ "conditions": [{
        "type": "Accepted", "status": "False", "reason": "IssuerConflict", "message": "",
        "lastTransitionTime": "2027-01-15T08:00:00Z",
    }] });
    let elsewhere = serde_json::json!({ "issuer": "https://other.test" });
    for status in [conflict, elsewhere] {
        let mut objects = ObjectSet::default();
        // By its name, it would go first.
        put_claimant(&mut objects, "a", &status);
        put_claimant(&mut objects, "b", &serde_json::Value::Null);
        let snapshot = build_with(&objects, &["login.test"]);
        let served: Vec<_> = snapshot
            .verdicts()
            .iter()
            .filter(|verdict| verdict.holds(ConditionType::Accepted))
            .map(|verdict| verdict.object.key.namespace.to_string())
            .collect();
        assert_eq!(served, ["b"], "{status}");
    }
}

/// Puts an object of a kind into the namespace `team`.
fn put<K: ManagedObject>(objects: &mut ObjectSet, name: &str, spec: &serde_json::Value)
where
    AnyCachedObject: From<CachedObject<K>>,
{
    let key = ObjectKey::new("team", name);
    let object = serde_json::json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": K::KIND.as_str(), "spec": spec,
        "metadata": { "name": name, "namespace": "team" },
    });
    let object: K = serde_json::from_value(object).expect("an object");
    objects.managed.insert(key.clone(), AnyCachedObject::from(CachedObject::new(&key, object)));
}

/// Puts a tenant, a client of it, and a provider by which its people come from another tenant.
fn put_linked(objects: &mut ObjectSet, tenant: &str, upstream: &str) {
    put::<Tenant>(objects, tenant, &serde_json::json!({}));
    let client = serde_json::json!({ "tenantRef": { "name": tenant } });
    put::<OidcClient>(objects, tenant, &client);
    let provider = serde_json::json!({
        "tenantRef": { "name": tenant }, "type": "OIDC", "admit": "Everyone",
        "oidc": { "clientRef": { "name": upstream } },
    });
    put::<IdentityProvider>(objects, tenant, &provider);
}

/// The reasons of a provider's problems.
fn reasons_of(snapshot: &Snapshot, kind: ManagedKind, name: &str) -> Vec<ConditionReason> {
    let object = ObjectRef::new(kind, ObjectKey::new("team", name));
    let verdict = snapshot.verdicts().get(&object).expect("judged");
    verdict.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn the_youngest_provider_of_a_loop_of_three_tenants_is_refused() {
    let mut objects = ObjectSet::default();
    for (tenant, upstream) in [("a", "b"), ("b", "c"), ("c", "a")] {
        put_linked(&mut objects, tenant, upstream);
    }
    put_linked(&mut objects, "d", "c");
    let snapshot = build_of(&objects);
    for name in ["a", "b", "c", "d"] {
        let found = reasons_of(&snapshot, ManagedKind::IdentityProvider, name);
        let is_refused = found.contains(&ConditionReason::ProviderLoop);
        assert_eq!(is_refused, name == "c", "{name}: {found:?}");
        let client = reasons_of(&snapshot, ManagedKind::OidcClient, name);
        let lacks = client.contains(&ConditionReason::NoRedirectUri);
        // Nobody refers to the client of `d`.
        assert_eq!(lacks, name == "d", "{name}: {client:?}");
    }
}

#[test]
fn a_reference_to_a_client_that_cannot_be_used_is_unresolved() {
    let mut objects = ObjectSet::default();
    put_linked(&mut objects, "a", "absent");
    let found = reasons_of(&build_of(&objects), ManagedKind::IdentityProvider, "a");
    assert!(found.contains(&ConditionReason::ClientNotFound), "{found:?}");
    let machine = serde_json::json!({
        "tenantRef": { "name": "b" }, "grantTypes": ["client_credentials"],
    });
    put::<OidcClient>(&mut objects, "absent", &machine);
    let found = reasons_of(&build_of(&objects), ManagedKind::IdentityProvider, "a");
    assert!(found.contains(&ConditionReason::ClientNotReady), "{found:?}");
}

/// The problems of an object with its references.
fn unresolved(snapshot: &Snapshot, kind: ManagedKind, name: &str) -> Vec<String> {
    let object = ObjectRef::new(kind, ObjectKey::new("team", name));
    let verdict = snapshot.verdicts().get(&object).expect("judged");
    let problems = verdict.problems.iter();
    let problems = problems.filter(|it| it.condition == ConditionType::ResolvedRefs);
    problems.map(|it| format!("{:?} {}", it.reason, it.field)).collect()
}

#[test]
fn an_unknown_provider_in_access_rules_is_reported_until_it_exists() {
    let reference = serde_json::json!({ "name": "main" });
    let client = |access: &serde_json::Value| {
        serde_json::json!({
            "tenantRef": reference, "redirectUris": ["https://a.test/cb"], "access": access,
        })
    };
    let mut objects = ObjectSet::default();
    let access = serde_json::json!({ "providers": ["Local", "corp"] });
    let spec = serde_json::json!({ "access": access });
    put::<Tenant>(&mut objects, "main", &spec);
    put::<OidcClient>(&mut objects, "named", &client(&access));
    put::<OidcClient>(&mut objects, "other", &client(&serde_json::Value::Null));
    let snapshot = build_of(&objects);
    let missing = ["ProviderNotFound spec.access.providers[1]"];
    assert_eq!(unresolved(&snapshot, ManagedKind::Tenant, "main"), missing);
    assert_eq!(unresolved(&snapshot, ManagedKind::OidcClient, "named"), missing);
    assert!(unresolved(&snapshot, ManagedKind::OidcClient, "other").is_empty());
    let provider = serde_json::json!({
        "tenantRef": reference, "type": "OIDC", "admit": "Everyone",
        "oidc": { "issuer": "https://corp.test", "clientId": "a" },
    });
    put::<IdentityProvider>(&mut objects, "corp", &provider);
    let snapshot = build_of(&objects);
    assert!(unresolved(&snapshot, ManagedKind::Tenant, "main").is_empty());
    assert!(unresolved(&snapshot, ManagedKind::OidcClient, "named").is_empty());
}

#[test]
fn a_missing_client_secret_is_reported_at_the_field_that_names_it() {
    let reference = serde_json::json!({ "name": "main" });
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    let secret = serde_json::json!({ "name": "absent" });
    let oidc = serde_json::json!({
        "tenantRef": reference, "type": "OIDC", "admit": "Everyone",
        "oidc": { "issuer": "https://a.test", "clientId": "a", "clientSecretRef": secret },
    });
    let github = serde_json::json!({
        "tenantRef": reference, "type": "GitHub", "admit": "Everyone",
        "github": { "clientId": "a", "clientSecretRef": secret },
    });
    put::<IdentityProvider>(&mut objects, "oidc", &oidc);
    put::<IdentityProvider>(&mut objects, "github", &github);
    let snapshot = build_of(&objects);
    for name in ["oidc", "github"] {
        assert_eq!(
            unresolved(&snapshot, ManagedKind::IdentityProvider, name),
            [format!("SecretNotFound spec.{name}.clientSecretRef")]
        );
    }
}
