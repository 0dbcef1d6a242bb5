use std::path::Path;

use super::*;
use crate::{
    api::AnyCachedObject,
    model::{KeySecrets, ManagedKind, ObjectRef},
    source::{
        cluster::retention::retained_part,
        manifests::{ManifestObject, parse_text},
    },
};

const USER: &str = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcUser\nmetadata: {name: ada, namespace: team}\nspec: {tenantRef: {name: main}, username: ada, passwordSecretRef: {name: ada}}\n";

/// A state with one user, which refers to an unmanaged Secret.
fn state() -> (WatchState, ObjectKey) {
    let (mut state, key) = (
        WatchState::new([ObjectKind::Secret], KeySecrets::new("lanyard", ""), true),
        ObjectKey::new("team", "ada"),
    );
    let (mut parsed, _) = parse_text(Path::new("test.yaml"), USER);
    let Some(ManifestObject::Managed(user)) = parsed.pop() else { panic!("a user") };
    let there = |kind, item| {
        let reference = ObjectRef { kind, key: key.clone() };
        WatchChange { watch: 0, what: WatchEvent::There(reference, item) }
    };
    let user = WatchEntry::Object(AnyCachedObject::new(&key, user));
    state.take(there(ManagedKind::OidcUser.into(), user));
    state.take(there(ObjectKind::Secret, WatchEntry::OtherSecret("1".to_owned())));
    (state, key)
}

#[test]
fn a_fetched_secret_is_not_fetched_again() {
    let (mut state, key) = state();
    assert_eq!(state.missing(), [(key.clone(), "1".to_owned())]);
    let secret = SecretState::Unreadable("forbidden".into());
    state.fetched(key, "1".to_owned(), Some(secret));
    assert!(state.missing().is_empty());
}

#[test]
fn an_unreadable_secret_is_fetched_again() {
    let (mut state, key) = state();
    assert!(!state.ask_again(), "no Secret is unreadable");
    let secret = SecretState::Unreadable("forbidden".into());
    state.fetched(key.clone(), "1".to_owned(), Some(secret));
    assert!(state.ask_again());
    assert_eq!(state.missing(), [(key, "1".to_owned())]);
}

const CLIENT: &str = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: shop, namespace: team}\nspec: {tenantRef: {name: main}, redirectUris: ['https://shop.test/cb']}\n";

fn apply(state: &mut WatchState, what: WatchEvent) {
    state.take(WatchChange { watch: 0, what });
}

fn client() -> (ObjectRef, WatchEntry) {
    let (mut parsed, _) = parse_text(Path::new("test.yaml"), CLIENT);
    let Some(ManifestObject::Managed(client)) = parsed.pop() else { panic!("a client") };
    let key = ObjectKey::new("team", "shop");
    let entry = WatchEntry::Object(AnyCachedObject::new(&key, client));
    (ObjectRef { kind: ManagedKind::OidcClient.into(), key }, entry)
}

fn secret(version: &str) -> CachedSecret {
    let secret = serde_json::json!({
        "metadata": {
            "resourceVersion": version,
            "annotations": { "lanyard.dev/owner": "OidcClient/shop" },
        },
        "data": { "client-secret": "YWFh" },
    });
    CachedSecret::new(serde_json::from_value(secret).expect("a Secret"))
}

#[test]
fn a_secret_is_kept_as_long_as_its_owner_names_it() {
    let mut state = WatchState::new([ObjectKind::Secret], KeySecrets::new("lanyard", ""), true);
    let key = ObjectKey::new("team", "shop-oidc");
    let reference = ObjectRef { kind: ObjectKind::Secret, key: key.clone() };
    let there = || WatchEvent::There(reference.clone(), WatchEntry::ManagedSecret(secret("1")));
    let holds = |state: &WatchState| state.objects.secrets.contains_key(&key);
    // It belongs to no object.
    apply(&mut state, there());
    assert!(!holds(&state) && state.missing().is_empty());
    // Its owner appears: it is fetched.
    let (shop, object) = client();
    apply(&mut state, WatchEvent::There(shop.clone(), object));
    assert_eq!(state.missing(), [(key.clone(), "1".to_owned())]);
    state.fetched(key.clone(), "1".to_owned(), Some(SecretState::Loaded(secret("1"))));
    assert!(holds(&state) && state.missing().is_empty());
    // A change arrives with its content.
    apply(&mut state, there());
    assert!(holds(&state) && state.missing().is_empty());
    // Its owner disappears.
    apply(&mut state, WatchEvent::Gone(shop));
    assert!(state.missing().is_empty());
    assert!(!holds(&state));
}

/// A change of a Secret with Lanyard's label and a megabyte of content, as the watch converts it.
fn large_secret(state: &WatchState, key: &ObjectKey, owner: &str, version: &str) -> WatchEvent {
    let secret = serde_json::json!({
        "metadata": { "resourceVersion": version, "annotations": { "lanyard.dev/owner": owner } },
        "data": { "x": "YWFh".repeat(350_000) },
    });
    let secret = serde_json::from_value(secret).expect("a Secret");
    let entry = retained_part(&state.objects, &state.key_secrets, key, secret)
        .map_or(WatchEntry::OtherSecret(version.to_owned()), WatchEntry::ManagedSecret);
    WatchEvent::There(ObjectRef { kind: ObjectKind::Secret, key: key.clone() }, entry)
}

#[test]
fn secrets_that_come_and_change_while_it_watches_keep_no_content_without_an_owner() {
    const FOREIGN: [(&str, &str); 4] = [
        ("of-a-deleted-client", "OidcClient/gone"),
        ("of-a-tenant", "Tenant/main"),
        ("of-nothing", "nothing"),
        ("another-of-the-client", "OidcClient/shop"),
    ];
    let mut state = WatchState::new([ObjectKind::Secret], KeySecrets::new("lanyard", ""), true);
    let (shop, object) = client();
    apply(&mut state, WatchEvent::There(shop, object));
    for version in ["1", "2", "3"] {
        for (name, owner) in FOREIGN {
            let key = ObjectKey::new("team", name);
            let (event, before) = (large_secret(&state, &key, owner, version), state.revision);
            apply(&mut state, event);
            assert!(state.missing().is_empty(), "{name} is not fetched");
            match state.objects.secrets.get(&key) {
                None => {
                    assert_eq!(state.others[&key], version, "{name}");
                    assert_eq!(state.revision, before, "no snapshot is built for {name}");
                }
                // The client exists, so that a Secret which it named before can be deleted.
                Some(SecretState::Loaded(kept)) => {
                    assert_eq!((name, kept.is_whole()), ("another-of-the-client", false));
                }
                Some(SecretState::Unreadable(error)) => panic!("{name}: {error}"),
            }
        }
    }
    assert_eq!(state.others.len(), 3);
    for (name, _) in FOREIGN {
        let reference = ObjectRef { kind: ObjectKind::Secret, key: ObjectKey::new("team", name) };
        apply(&mut state, WatchEvent::Gone(reference));
    }
    assert!(state.others.is_empty() && state.fetched.is_empty() && state.spares.is_empty());
    assert!(state.objects.secrets.is_empty() && state.lists[0].known.len() == 1, "the client");
}

#[test]
fn a_client_that_names_another_secret_keeps_the_content_of_its_former_one() {
    let mut state = WatchState::new([ObjectKind::Secret], KeySecrets::new("lanyard", ""), true);
    let (shop, object) = client();
    apply(&mut state, WatchEvent::There(shop, object));
    for (name, is_whole) in [("shop-oidc", true), ("a", true), ("b", true), ("c", false)] {
        let key = ObjectKey::new("team", name);
        let reference = ObjectRef { kind: ObjectKind::Secret, key: key.clone() };
        apply(&mut state, WatchEvent::There(reference, WatchEntry::ManagedSecret(secret("1"))));
        let Some(SecretState::Loaded(kept)) = state.objects.secrets.get(&key) else {
            panic!("{name}");
        };
        assert_eq!((kept.is_whole(), kept.version()), (is_whole, Some("1")), "{name}");
    }
}

#[test]
fn the_key_secret_of_a_deleted_tenant_keeps_its_reservation_but_not_its_keys() {
    let mut state = WatchState::new([ObjectKind::Secret], KeySecrets::new("lanyard", ""), true);
    let key = ObjectKey::new("team", "main-signing-keys");
    let secret = serde_json::json!({
        "metadata": {
            "resourceVersion": "1",
            "annotations": {
                "lanyard.dev/owner": "Tenant/main", "lanyard.dev/issuer": "https://id.test",
            },
        },
        "data": { "key": "YWFh" },
    });
    let secret = CachedSecret::new(serde_json::from_value(secret).expect("a Secret"));
    let reference = ObjectRef { kind: ObjectKind::Secret, key: key.clone() };
    apply(&mut state, WatchEvent::There(reference, WatchEntry::ManagedSecret(secret)));
    let Some(SecretState::Loaded(kept)) = state.objects.secrets.get(&key) else { panic!("kept") };
    assert_eq!(&*kept.issuer_reservation().expect("a reservation").issuer, "https://id.test");
    assert!(!kept.is_whole() && kept.entries().is_empty());
    // The tenant is created again: the keys are fetched before they are used.
    let tenant = "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: main, namespace: team}\nspec: {}\n";
    let (mut parsed, _) = parse_text(Path::new("test.yaml"), tenant);
    let Some(ManifestObject::Managed(tenant)) = parsed.pop() else { panic!("a tenant") };
    let name = ObjectKey::new("team", "main");
    let entry = WatchEntry::Object(AnyCachedObject::new(&name, tenant));
    let tenant = ObjectRef { kind: ManagedKind::Tenant.into(), key: name };
    apply(&mut state, WatchEvent::There(tenant, entry));
    assert_eq!(state.missing(), [(key.clone(), "1".to_owned())]);
    assert!(!state.objects.secrets.contains_key(&key));
}
