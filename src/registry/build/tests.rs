use super::*;
use crate::{
    api::{
        AnyCachedObject, CachedObject, ConditionReason, ConditionType, MalformedObject,
        ManagedObject,
    },
    messages::Languages,
    model::{HostPattern, HostPermission, HostSettings, Issuer, KeySecrets, ObjectRef},
    registry::ObjectOutcome,
};

fn build_of(objects: &ObjectSet) -> Snapshot {
    build_with(objects, &[])
}

/// The snapshot of an installation whose namespaces may all use these hosts for issuers.
fn build_with(objects: &ObjectSet, hosts: &[&str]) -> Snapshot {
    build_snapshot(
        objects,
        &installation_of(hosts),
        &BuildCache::default(),
        1,
        Timestamp::from_secs(1_800_000_000),
    )
}

fn installation_of(hosts: &[&str]) -> Installation {
    let permission = |host: &&str| HostPermission {
        pattern: HostPattern::parse(host).expect("a pattern"),
        namespaces: vec!["*".to_owned()],
    };
    Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings {
            issuer_hosts: hosts.iter().map(permission).collect(),
            ..HostSettings::default()
        },
        client_secrets: crate::model::SecretPermissions::default(),
        dev: false,
        keeps_authenticators: true,
        mutual_tls: None,
        key_secrets: KeySecrets::new("lanyard", ""),
        languages: Languages::built_in(),
    }
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
        let verdict = snapshot.verdicts().get(&ObjectRef::new(kind, key)).expect("a verdict");
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
    let secret = key.in_same_namespace(signing_keys_name(&key.name));
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
    put_of_year::<K>(objects, name, 2026, spec);
}

/// Puts an object that was created in a year.
fn put_of_year<K: ManagedObject>(
    objects: &mut ObjectSet,
    name: &str,
    year: u32,
    spec: &serde_json::Value,
) where
    AnyCachedObject: From<CachedObject<K>>,
{
    let created = format!("{year}-01-15T08:00:00Z");
    let key = ObjectKey::new("team", name);
    let object = serde_json::json!({
        "apiVersion": "lanyard.dev/v1alpha1", "kind": K::KIND.as_str(), "spec": spec,
        "metadata": { "name": name, "namespace": "team", "creationTimestamp": created },
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
    let verdict = snapshot.verdicts().get(&object).expect("a verdict");
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
        // No provider refers to the client of `d`.
        assert_eq!(lacks, name == "d", "{name}: {client:?}");
    }
}

/// Puts a provider by which the people of a tenant come from an issuer.
fn put_with_issuer(objects: &mut ObjectSet, (name, tenant): (&str, &str), year: u32, issuer: &str) {
    put::<Tenant>(objects, tenant, &serde_json::json!({}));
    let provider = serde_json::json!({
        "tenantRef": { "name": tenant }, "type": "OIDC", "admit": "Everyone",
        "oidc": { "issuer": issuer, "clientId": "a" },
    });
    put_of_year::<IdentityProvider>(objects, name, year, &provider);
}

fn closes_loop(snapshot: &Snapshot, name: &str) -> bool {
    let found = reasons_of(snapshot, ManagedKind::IdentityProvider, name);
    found.contains(&ConditionReason::ProviderLoop)
}

#[test]
fn the_issuer_of_a_tenant_is_a_part_of_a_loop() {
    let mut objects = ObjectSet::default();
    put_with_issuer(&mut objects, ("a", "a"), 2022, "https://id.test/team/b");
    put_with_issuer(&mut objects, ("b", "b"), 2021, "https://id.test/team/a");
    // Neither is a tenant's issuer.
    put_with_issuer(&mut objects, ("c", "c"), 2023, "https://id.test/team/absent");
    put_with_issuer(&mut objects, ("d", "d"), 2023, "https://corp.test");
    let snapshot = build_of(&objects);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(closes_loop(&snapshot, name), name == "a", "{name}");
    }
    let object = ObjectRef::new(ManagedKind::IdentityProvider, ObjectKey::new("team", "a"));
    let verdict = snapshot.verdicts().get(&object).expect("a verdict");
    let problem = verdict.problems.iter().find(|it| it.reason == ConditionReason::ProviderLoop);
    let problem = problem.expect("found");
    assert_eq!(problem.field, "spec.oidc.issuer");
    for part in ["people of Tenant \"team/a\"", "from \"team/b\", then from \"team/a\""] {
        assert!(problem.message.contains(part), "{}", problem.message);
    }
}

#[test]
fn a_loop_may_have_references_of_both_kinds() {
    let mut objects = ObjectSet::default();
    put_linked(&mut objects, "a", "b");
    put_linked(&mut objects, "b", "c");
    put_with_issuer(&mut objects, ("c", "c"), 2030, "https://id.test/team/a");
    let client = serde_json::json!({ "tenantRef": { "name": "c" } });
    put::<OidcClient>(&mut objects, "c", &client);
    // A tenant whose people come from itself.
    put_with_issuer(&mut objects, ("d", "d"), 2020, "https://id.test/team/d");
    let refused = |objects: &ObjectSet| {
        let snapshot = build_of(objects);
        let names = ["a", "b", "c", "d"].into_iter();
        names.filter(|name| closes_loop(&snapshot, name)).collect::<Vec<_>>()
    };
    assert_eq!(refused(&objects), ["c", "d"]);
    put_with_issuer(&mut objects, ("c", "c"), 2020, "https://id.test/team/a");
    assert_eq!(refused(&objects), ["b", "d"], "an older one goes on");
}

/// The verdict on a provider changes with the providers of other tenants, which are not its inputs.
#[test]
fn a_loop_is_found_and_forgotten_when_another_tenant_changes() {
    let mut objects = ObjectSet::default();
    put_with_issuer(&mut objects, ("a", "a"), 2022, "https://id.test/team/b");
    put_with_issuer(&mut objects, ("b", "b"), 2021, "https://corp.test");
    let cache = BuildCache::default();
    let installation = installation_of(&[]);
    let build = |objects: &ObjectSet| {
        let now = Timestamp::from_secs(1_800_000_000);
        closes_loop(&build_snapshot(objects, &installation, &cache, 1, now), "a")
    };
    assert!(!build(&objects));
    put_with_issuer(&mut objects, ("b", "b"), 2021, "https://id.test/team/a");
    assert!(build(&objects));
    put_with_issuer(&mut objects, ("b", "b"), 2021, "https://corp.test");
    assert!(!build(&objects));
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
    let verdict = snapshot.verdicts().get(&object).expect("a verdict");
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

/// An OpenID provider of the tenant `main` with further members of its spec.
fn provider_with(issuer: &str, members: &serde_json::Value) -> serde_json::Value {
    let mut spec = serde_json::json!({
        "tenantRef": { "name": "main" }, "type": "OIDC", "admit": "Everyone",
        "oidc": { "issuer": issuer, "clientId": "a" },
    });
    for (member, value) in members.as_object().expect("an object") {
        spec[member] = value.clone();
    }
    spec
}

/// A provider that cannot speak for the people of others.
fn bounded(name: &str) -> serde_json::Value {
    let prefix = format!("{name}:");
    let members = serde_json::json!({
        "emailDomains": [format!("{name}.test")],
        "claimMappings": {
            "username": { "claim": "preferred_username", "prefix": prefix },
            "groups": { "prefix": prefix },
        },
    });
    provider_with(&format!("https://{name}.test"), &members)
}

/// The fields by which an object could speak for others.
fn ambiguous(snapshot: &Snapshot, kind: ManagedKind, name: &str) -> Vec<String> {
    let object = ObjectRef::new(kind, ObjectKey::new("team", name));
    let verdict = snapshot.verdicts().get(&object).expect("a verdict");
    let problems = verdict.problems.iter();
    let problems = problems.filter(|it| it.reason == ConditionReason::AmbiguousSource);
    problems.map(|it| it.field.clone()).collect()
}

/// A tenant `main` with a provider of 2020 that could speak for the people of any source.
fn with_open_provider() -> ObjectSet {
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    let open = provider_with("https://corp.test", &serde_json::json!({}));
    put_of_year::<IdentityProvider>(&mut objects, "corp", 2020, &open);
    objects
}

const UNBOUNDED: [&str; 3] =
    ["spec.emailDomains", "spec.claimMappings.username.prefix", "spec.claimMappings.groups"];

#[test]
fn a_new_source_of_people_takes_no_provider_down() {
    use ManagedKind::{IdentityProvider as Provider, OidcUser as User};
    let mut objects = with_open_provider();
    // By name both go first, but not by age.
    let open = provider_with("https://trial.test", &serde_json::json!({}));
    put_of_year::<IdentityProvider>(&mut objects, "a-trial", 2021, &open);
    put_of_year::<IdentityProvider>(&mut objects, "bounded", 2021, &bounded("bounded"));
    let user = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ada", "passwordSecretRef": { "name": "ada" },
    });
    put_of_year::<OidcUser>(&mut objects, "ada", 2021, &user);
    let snapshot = build_of(&objects);
    assert!(ambiguous(&snapshot, Provider, "corp").is_empty());
    assert!(ambiguous(&snapshot, Provider, "bounded").is_empty());
    assert_eq!(ambiguous(&snapshot, Provider, "a-trial"), UNBOUNDED);
    assert_eq!(ambiguous(&snapshot, User, "ada"), ["spec.passwordSecretRef"]);
    // Users without passwords and disabled ones are no source.
    for harmless in [
        serde_json::json!({ "tenantRef": { "name": "main" }, "username": "ada" }),
        serde_json::json!({
            "tenantRef": { "name": "main" }, "username": "ada", "disabled": true,
            "passwordSecretRef": { "name": "ada" },
        }),
    ] {
        put_of_year::<OidcUser>(&mut objects, "ada", 2021, &harmless);
        assert!(ambiguous(&build_of(&objects), User, "ada").is_empty(), "{harmless}");
    }
}

#[test]
fn an_older_source_counts_whether_it_is_accepted_or_not() {
    use ManagedKind::{IdentityProvider as Provider, OidcUser as User};
    let mut objects = with_open_provider();
    let mut user = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ada", "passwordSecretRef": { "name": "ada" },
    });
    put_of_year::<OidcUser>(&mut objects, "ada", 2019, &user);
    let snapshot = build_of(&objects);
    assert_eq!(ambiguous(&snapshot, Provider, "corp"), UNBOUNDED);
    assert!(ambiguous(&snapshot, User, "ada").is_empty());
    user["email"] = serde_json::json!("no address");
    put_of_year::<OidcUser>(&mut objects, "ada", 2019, &user);
    assert_eq!(ambiguous(&build_of(&objects), Provider, "corp"), UNBOUNDED);
    let mut objects = with_open_provider();
    let refused = provider_with("https://old.test", &serde_json::json!({ "admit": "ByRules" }));
    put_of_year::<IdentityProvider>(&mut objects, "old", 2019, &refused);
    assert_eq!(ambiguous(&build_of(&objects), Provider, "corp"), UNBOUNDED);
    // A younger object that is not accepted has no effect.
    put_of_year::<IdentityProvider>(&mut objects, "old", 2021, &refused);
    user["email"] = serde_json::json!("no address");
    put_of_year::<OidcUser>(&mut objects, "ada", 2021, &user);
    assert!(ambiguous(&build_of(&objects), Provider, "corp").is_empty());
}

/// A mistake in the spec of a provider, with a reference that does not resolve.
type Mistake = fn(&mut serde_json::Value, &serde_json::Value);

#[test]
fn an_invalid_older_provider_keeps_its_names_from_younger_providers() {
    let reference = serde_json::json!({ "name": "absent" });
    let mistakes: [(&str, Mistake); 4] = [
        ("a rule is missing", |spec, _| spec["admit"] = "ByRules".into()),
        ("an expression is wrong", |spec, _| {
            spec["userValidationRules"] = serde_json::json!([{ "expression": "user.(" }]);
        }),
        ("an example fails", |spec, _| {
            spec["examples"] =
                serde_json::json!([{ "claims": {}, "expects": { "username": "x" } }]);
        }),
        ("the client does not exist", |spec, reference| {
            spec["oidc"] = serde_json::json!({ "clientRef": reference });
            spec["identityKey"] = "https://old.test".into();
        }),
    ];
    let taken = [
        (serde_json::json!({ "emailDomains": ["old.test"] }), "spec.emailDomains"),
        (serde_json::json!({ "identityKey": "https://old.test" }), "spec.identityKey"),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": "preferred_username", "prefix": "old:" },
                "groups": { "prefix": "new:" },
            } }),
            "spec.claimMappings.username.prefix",
        ),
    ];
    for (mistake, make) in mistakes {
        let mut objects = ObjectSet::default();
        put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
        let mut old = bounded("old");
        make(&mut old, &reference);
        put_of_year::<IdentityProvider>(&mut objects, "old", 2020, &old);
        for (members, field) in &taken {
            let mut spec = bounded("new");
            for (member, value) in members.as_object().expect("an object") {
                spec[member] = value.clone();
            }
            put_of_year::<IdentityProvider>(&mut objects, "new", 2021, &spec);
            let snapshot = build_of(&objects);
            assert!(!reasons_of(&snapshot, ManagedKind::IdentityProvider, "old").is_empty());
            let found = ambiguous(&snapshot, ManagedKind::IdentityProvider, "new");
            assert_eq!(found, [*field], "{mistake}: {members}");
        }
        put_of_year::<IdentityProvider>(&mut objects, "new", 2021, &bounded("new"));
        let found = ambiguous(&build_of(&objects), ManagedKind::IdentityProvider, "new");
        assert!(found.is_empty(), "{mistake}: {found:?}");
    }
}

#[test]
fn an_unreadable_field_of_an_older_provider_does_not_make_a_user_ambiguous() {
    use ManagedKind::OidcUser as User;
    let user = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ada", "passwordSecretRef": { "name": "ada" },
    });
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    put_of_year::<OidcUser>(&mut objects, "ada", 2021, &user);
    let mut named = bounded("corp");
    named["claimMappings"]["username"] = serde_json::json!({ "expression": "'corp:' + claims.(" });
    put_of_year::<IdentityProvider>(&mut objects, "corp", 2020, &named);
    assert!(ambiguous(&build_of(&objects), User, "ada").is_empty());
    // A field that can be read counts.
    named["emailDomains"] = serde_json::json!([]);
    put_of_year::<IdentityProvider>(&mut objects, "corp", 2020, &named);
    assert_eq!(ambiguous(&build_of(&objects), User, "ada"), ["spec.passwordSecretRef"]);
}

#[test]
fn the_names_of_an_object_that_does_not_deserialize_stay_its_own() {
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    let user = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ada",
        "identities": [{ "provider": "corp", "subject": "7" }],
    });
    put_of_year::<OidcUser>(&mut objects, "broken", 2020, &user);
    put_of_year::<IdentityProvider>(&mut objects, "corp", 2020, &bounded("old"));
    for (kind, name) in [(ManagedKind::OidcUser, "broken"), (ManagedKind::IdentityProvider, "corp")]
    {
        let key = ObjectKey::new("team", name);
        let readable = objects.managed.remove(kind, &key);
        let message = "spec.claims: must be a map".to_owned();
        let malformed = MalformedObject { message, readable, ..MalformedObject::default() };
        objects.malformed.insert(ObjectRef::new(kind, key), malformed);
    }
    let later = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ADA", "subject": "other",
        "identities": [{ "provider": "corp", "subject": "7" }],
    });
    put_of_year::<OidcUser>(&mut objects, "later", 2021, &later);
    let mut spec = bounded("new");
    spec["emailDomains"] = serde_json::json!(["old.test"]);
    put_of_year::<IdentityProvider>(&mut objects, "new", 2021, &spec);
    let snapshot = build_of(&objects);
    let reasons = reasons_of(&snapshot, ManagedKind::OidcUser, "later");
    for conflict in [ConditionReason::UsernameConflict, ConditionReason::SubjectConflict] {
        assert!(reasons.contains(&conflict), "{reasons:?}");
    }
    let found = ambiguous(&snapshot, ManagedKind::IdentityProvider, "new");
    assert_eq!(found, ["spec.emailDomains"]);
    for (kind, name) in [(ManagedKind::OidcUser, "broken"), (ManagedKind::IdentityProvider, "corp")]
    {
        let object = ObjectRef::new(kind, ObjectKey::new("team", name));
        let verdict = snapshot.verdicts().get(&object).expect("a verdict");
        assert!(matches!(verdict.outcome, ObjectOutcome::Malformed), "{verdict:?}");
        assert_eq!(verdict.problems.len(), 1, "{:?}", verdict.problems);
    }
}

#[test]
fn a_younger_provider_takes_no_names_of_an_older_one() {
    let claim = "preferred_username";
    for (members, field) in [
        (serde_json::json!({ "emailDomains": ["x.test", "old.test"] }), "spec.emailDomains"),
        (serde_json::json!({ "identityKey": "https://old.test" }), "spec.identityKey"),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": claim, "prefix": "old:" }, "groups": { "prefix": "new:" },
            } }),
            "spec.claimMappings.username.prefix",
        ),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": claim, "prefix": "old:er:" }, "groups": { "prefix": "new:" },
            } }),
            "spec.claimMappings.username.prefix",
        ),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": claim, "prefix": "new:" }, "groups": { "prefix": "o" },
            } }),
            "spec.claimMappings.groups",
        ),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": claim, "prefix": "new:" }, "groups": { "include": ["old:*"] },
            } }),
            "spec.claimMappings.groups",
        ),
        (
            serde_json::json!({ "claimMappings": {
                "username": { "claim": claim, "prefix": "new:" }, "groups": { "include": ["*"] },
            } }),
            "spec.claimMappings.groups",
        ),
    ] {
        let mut objects = ObjectSet::default();
        put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
        put_of_year::<IdentityProvider>(&mut objects, "old", 2020, &bounded("old"));
        let mut spec = bounded("new");
        for (member, value) in members.as_object().expect("an object") {
            spec[member] = value.clone();
        }
        put_of_year::<IdentityProvider>(&mut objects, "new", 2021, &spec);
        let snapshot = build_of(&objects);
        let of = |name| ambiguous(&snapshot, ManagedKind::IdentityProvider, name);
        assert!(of("old").is_empty());
        assert_eq!(of("new"), [field], "{members}");
    }
    // Two applications at one provider have the same people, and a group that is listed is meant.
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    put_of_year::<IdentityProvider>(&mut objects, "old", 2020, &bounded("old"));
    let mut spec = bounded("new");
    spec["oidc"]["issuer"] = serde_json::json!("https://old.test");
    spec["claimMappings"]["groups"] = serde_json::json!({ "include": ["old:admins"] });
    put_of_year::<IdentityProvider>(&mut objects, "new", 2021, &spec);
    let found = ambiguous(&build_of(&objects), ManagedKind::IdentityProvider, "new");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_identity_of_an_unknown_provider_is_reported_until_it_exists() {
    let mut objects = ObjectSet::default();
    put::<Tenant>(&mut objects, "main", &serde_json::json!({}));
    let user = serde_json::json!({
        "tenantRef": { "name": "main" }, "username": "ada",
        "identities": [{ "provider": "corp", "subject": "1" }],
    });
    put::<OidcUser>(&mut objects, "ada", &user);
    let missing = ["ProviderNotFound spec.identities[0].provider"];
    assert_eq!(unresolved(&build_of(&objects), ManagedKind::OidcUser, "ada"), missing);
    let corp = provider_with("https://corp.test", &serde_json::json!({}));
    put::<IdentityProvider>(&mut objects, "corp", &corp);
    assert!(unresolved(&build_of(&objects), ManagedKind::OidcUser, "ada").is_empty());
}

#[test]
fn a_tenant_at_an_ip_address_has_no_passkeys_and_a_warning() {
    let evaluated = |base: &str, policy: &str| {
        let mut objects = ObjectSet::default();
        let spec = serde_json::json!({ "authenticators": { "passkeys": policy } });
        put::<Tenant>(&mut objects, "main", &spec);
        let installation = Installation {
            base_url: Issuer::parse(base).expect("canonical"),
            hosts: HostSettings::default(),
            client_secrets: crate::model::SecretPermissions::default(),
            dev: false,
            keeps_authenticators: true,
            mutual_tls: None,
            key_secrets: KeySecrets::new("lanyard", ""),
            languages: Languages::built_in(),
        };
        let (cache, now) = (BuildCache::default(), Timestamp::from_secs(1_800_000_000));
        let snapshot = build_snapshot(&objects, &installation, &cache, 1, now);
        let verdict = snapshot.verdicts().iter().next().expect("a verdict").clone();
        let warned = verdict.warnings.iter().map(|it| it.reason).collect::<Vec<_>>();
        let ObjectOutcome::Tenant(tenant) = &verdict.outcome else { panic!("a tenant") };
        (warned, tenant.enrolment.is_some(), tenant.served)
    };
    let offered = |base: &str| {
        let (warned, enrolment, _) = evaluated(base, "Optional");
        (warned, enrolment)
    };
    assert_eq!(offered("https://id.test"), (vec![], true));
    assert_eq!(offered("http://localhost:8080"), (vec![], true));
    let unavailable = (vec![ConditionReason::PasskeysUnavailable], false);
    assert_eq!(offered("https://192.0.2.7"), unavailable);
    assert_eq!(offered("http://127.0.0.1:8080"), unavailable);
    for refused in ["https://192.0.2.7", "http://127.0.0.1:8080"] {
        assert_eq!(evaluated(refused, "Required"), (vec![], false, false), "it fails closed");
    }
}

#[test]
fn a_default_language_without_texts_is_reported() {
    let warned = |language: &str| {
        let mut objects = ObjectSet::default();
        let spec = serde_json::json!({ "branding": { "defaultLocale": language } });
        put::<Tenant>(&mut objects, "main", &spec);
        let snapshot = build_of(&objects);
        let verdict = snapshot.verdicts().iter().next().expect("a verdict").clone();
        let texts = verdict.warnings.iter().map(|it| (it.reason, it.text()));
        texts.collect::<Vec<_>>()
    };
    assert_eq!((warned("de"), warned("de-AT"), warned("en-GB")), (vec![], vec![], vec![]));
    let found = warned("fr");
    let [(ConditionReason::LanguageUnknown, text)] = &found[..] else { panic!("{found:?}") };
    assert!(text.contains("fr has no texts here") && text.contains("one of en, de"), "{text}");
}

#[test]
fn a_tenant_that_offers_authenticators_says_whether_the_store_keeps_them() {
    let condition = |spec: &serde_json::Value, keeps_authenticators: bool| {
        let mut objects = ObjectSet::default();
        put::<Tenant>(&mut objects, "main", spec);
        let installation = Installation {
            base_url: Issuer::parse("https://id.test").expect("canonical"),
            hosts: HostSettings::default(),
            client_secrets: crate::model::SecretPermissions::default(),
            dev: false,
            keeps_authenticators,
            mutual_tls: None,
            key_secrets: KeySecrets::new("lanyard", ""),
            languages: Languages::built_in(),
        };
        let (cache, now) = (BuildCache::default(), Timestamp::from_secs(1_800_000_000));
        let snapshot = build_snapshot(&objects, &installation, &cache, 1, now);
        let verdict = snapshot.verdicts().iter().next().expect("a verdict").clone();
        let conditions = crate::registry::verdict_conditions(
            &verdict,
            &crate::api::StatusDigest::default(),
            now,
        );
        let found = conditions.into_iter().find(|it| it.type_ == "EnrolmentAvailable");
        found.map(|it| (it.status, it.reason))
    };
    let offered = serde_json::json!({ "authenticators": { "totp": "Optional" } });
    let is = |status: &str, reason: &str| Some((status.to_owned(), reason.to_owned()));
    assert_eq!(condition(&offered, true), is("True", "Available"));
    assert_eq!(condition(&offered, false), is("False", "StoreNotDurable"));
    assert_eq!(condition(&serde_json::json!({}), true), None);
    let later = serde_json::json!({ "authenticators": { "passwords": "Required" } });
    assert_eq!(condition(&later, true), None, "a value that this release does not support");
    for required in ["totp", "passkeys"] {
        let required = serde_json::json!({ "authenticators": { required: "Required" } });
        assert_eq!(condition(&required, true), is("True", "Available"));
        assert_eq!(condition(&required, false), is("False", "StoreNotDurable"));
    }
}

#[test]
fn issuers_that_differ_in_their_port_have_no_address_for_certificates_in_common() {
    let mut objects = ObjectSet::default();
    let issuers = [
        ("plain", "https://a.test"),
        ("ported", "https://a.test:9443"),
        ("alias", "https://mtls.a.test"),
    ];
    for (name, issuer) in issuers {
        put::<Tenant>(&mut objects, name, &serde_json::json!({ "issuer": issuer }));
    }
    let permission = HostPermission {
        pattern: HostPattern::parse("*.test").expect("a pattern"),
        namespaces: vec!["*".to_owned()],
    };
    let installation = Installation {
        base_url: Issuer::parse("https://id.test:8443").expect("canonical"),
        hosts: HostSettings { issuer_hosts: vec![permission], ..HostSettings::default() },
        client_secrets: crate::model::SecretPermissions::default(),
        dev: false,
        keeps_authenticators: true,
        mutual_tls: crate::model::MutualTlsUrl::parse("https://mtls.{host}"),
        key_secrets: KeySecrets::new("lanyard", ""),
        languages: Languages::built_in(),
    };
    let address =
        |issuer: &str| installation.mutual_tls_url_of(&Issuer::parse(issuer).expect("canonical"));
    let at = |url: &str| Some(url.to_owned());
    assert_eq!(address("https://a.test/x"), at("https://mtls.a.test/x"));
    assert_eq!(address("https://a.test:9443/x"), None);
    assert_eq!(address("https://id.test:8443/team/x"), at("https://mtls.id.test/team/x"));
    assert_eq!(address("https://id.test/team/x"), None, "not the port of the base URL");
    let (cache, now) = (BuildCache::default(), Timestamp::from_secs(1_800_000_000));
    let snapshot = build_snapshot(&objects, &installation, &cache, 1, now);
    let verdict = |name: &str| {
        let object = ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", name));
        snapshot.verdicts().get(&object).expect("a verdict")
    };
    let warned = |name: &str| verdict(name).warnings.iter().map(|it| it.reason).collect::<Vec<_>>();
    assert!(warned("plain").is_empty());
    assert_eq!(warned("ported"), [ConditionReason::CertificatesUnavailable]);
    let refused: Vec<_> = verdict("alias").problems.iter().map(|it| it.reason).collect();
    assert!(refused.contains(&ConditionReason::HostNotAllowed), "{refused:?}");
}
