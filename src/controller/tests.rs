//! Tests of whole reconciles, in rounds, against an in-memory source.

mod audited_keys;
mod fake;
mod invitations;
mod mail_health;
mod replays;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Condition,
};
use tokio::sync::watch;

use self::fake::Fake;
use super::{
    ControllerContext, MissingSealingKeys, ReconcileMetrics, ReconcileOutcome,
    diff::changed_objects, observed::ObservedState, published_status::PublishedStatuses,
    reconcile::reconcile_object, run_controller, workqueue::WorkResult,
};
use crate::{
    api::{
        AnyStatus, CachedSecret, GONE_SINCE_ANNOTATION, ISSUER_ANNOTATION, MANAGED_LABEL,
        MalformedObject, OWNER_ANNOTATION, RawStatus, SecretState,
    },
    model::{
        Clock as _, FixedClock, HostSettings, Installation, InternalHost, Issuer, KeySecrets,
        ManagedKind, ObjectKey, ObjectKind, ObjectRef, ProbeError, ProbeFailure, ProbeQuestion,
        ProbeTarget, SecretPermissions, SeededEntropy, Timestamp, UpstreamProbe,
    },
    registry::{self, BuildCache},
    source::{StatusUpdate, WriteError},
};

const TENANT: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {}
";

/// The Secret with the tenant's signing keys.
const KEYS: &str = "main-signing-keys";

const CLIENT: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: shop, namespace: team}
spec:
  tenantRef: {name: main}
  redirectUris: ["https://shop.test/callback"]
"#;

/// A Secret that Lanyard did not create, with the name of the client's Secret.
const FOREIGN: &str = "
apiVersion: v1
kind: Secret
metadata: {name: shop-oidc, namespace: team}
stringData: {precious: value}
";

/// A controller with its source, advanced by hand.
struct Cluster {
    source: Arc<Fake>,
    context: ControllerContext,
    clock: Arc<FixedClock>,
    installation: Installation,
    cache: BuildCache,
    statuses: PublishedStatuses,
    before: ObservedState,
    again: BTreeSet<ObjectRef>,
}

impl Cluster {
    fn new(manifests: &[&str]) -> Self {
        let source = Arc::new(Fake::new());
        for manifest in manifests {
            source.apply(manifest);
        }
        let key_secrets = KeySecrets::new("team", "");
        let clock = Arc::new(FixedClock::at(Timestamp::from_secs(1_800_000_000)));
        let context = ControllerContext::new(
            Arc::clone(&source) as _,
            registry::SnapshotHandle::new(),
            Arc::clone(&clock) as _,
            Arc::new(SeededEntropy::new(1)),
            key_secrets.clone(),
        );
        let installation = Installation {
            base_url: Issuer::parse("https://id.test").expect("canonical"),
            hosts: HostSettings::default(),
            client_secrets: SecretPermissions::default(),
            dev: false,
            keeps_authenticators: true,
            mutual_tls: None,
            key_secrets,
            languages: crate::messages::Languages::built_in(),
        };
        Self {
            source,
            context,
            clock,
            installation,
            cache: BuildCache::default(),
            statuses: PublishedStatuses::default(),
            before: ObservedState::default(),
            again: BTreeSet::new(),
        }
    }

    /// Publishes the snapshot of the current view.
    fn project(&self) -> ObservedState {
        let view = self.source.view();
        let now = self.context.clock.now();
        let (objects, revision) = (&view.objects, view.revision);
        let snapshot =
            registry::build_snapshot(objects, &self.installation, &self.cache, revision, now);
        self.context.registry.publish(snapshot);
        ObservedState::new(view, self.context.registry.snapshot())
    }

    /// Reconciles every changed object once, with a single view.
    async fn round(&mut self) -> Vec<WorkResult> {
        let observed = self.project();
        let secrets = self.context.key_secrets.all().map(Clone::clone);
        let mut due = changed_objects(&self.before, &observed);
        due.retain(|object| object.kind != ObjectKind::Secret);
        due.extend(secrets.map(|secret| ObjectRef::new(ObjectKind::Secret, secret)));
        due.append(&mut self.again);
        let mut finished = Vec::new();
        for object in due {
            let finish = reconcile_object(&self.context, &observed, &self.statuses, &object).await;
            if matches!(finish, WorkResult::Transient) {
                self.again.insert(object);
            }
            finished.push(finish);
        }
        self.before = observed;
        finished
    }

    /// Reconciles an object although nothing has changed, as when its next work is due.
    async fn again(&mut self, object: ObjectRef) {
        self.again.insert(object);
        self.round().await;
    }

    /// Runs rounds until no writes are left.
    async fn settle(&mut self) {
        for _ in 0..10 {
            let before = (self.source.writes().len(), self.source.statuses());
            self.round().await;
            if before == (self.source.writes().len(), self.source.statuses())
                && self.again.is_empty()
            {
                return;
            }
        }
        panic!("it does not settle: {:?}", self.source.writes());
    }

    fn client_secret(&self) -> Secret {
        self.source.secret("shop-oidc").expect("the client's Secret is there")
    }

    /// Status and reason of one of the client's conditions.
    fn condition(&self, kind: &str) -> (String, String) {
        match self.source.status(&client()) {
            Some(StatusUpdate::Managed(AnyStatus::OidcClient(status))) => {
                find(&status.conditions, kind)
            }
            other => panic!("no status: {other:?}"),
        }
    }

    /// Damages the signing keys, and returns the resulting Secret.
    fn damages_keys(&self) -> Secret {
        let mut damaged = Secret::clone(&self.source.secret(KEYS).expect("made"));
        for value in damaged.data.as_mut().expect("entries").values_mut() {
            *value = ByteString(b"scribble".to_vec());
        }
        self.source.edit(|objects, version| {
            damaged.metadata.resource_version = Some(version.to_string());
            let key = ObjectKey::new("team", KEYS);
            objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(damaged.clone())));
        });
        damaged
    }

    fn deletes_client(&self) {
        self.source.edit(|objects, _| {
            objects.managed.remove(ManagedKind::OidcClient, &client().key);
        });
    }
}

fn find(conditions: &[Condition], kind: &str) -> (String, String) {
    let found = conditions.iter().find(|condition| condition.type_ == kind).expect("it is there");
    (found.status.clone(), found.reason.clone())
}

fn client() -> ObjectRef {
    ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new("team", "shop"))
}

fn entry(secret: &Secret, name: &str) -> String {
    let bytes = &secret.data.as_ref().expect("entries")[name].0;
    String::from_utf8(bytes.clone()).expect("text")
}

#[tokio::test]
async fn a_client_gets_a_secret_with_owner_annotation() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let secret = cluster.client_secret();
    assert_eq!(entry(&secret, "client-id"), "team.shop");
    assert_eq!(entry(&secret, "issuer"), "https://id.test/team/main");
    assert_eq!(entry(&secret, "client-secret").len(), 43, "256 bits in base64url");
    let metadata = &secret.metadata;
    assert_eq!(metadata.labels.as_ref().expect("labels")[MANAGED_LABEL], "true");
    let annotations = metadata.annotations.as_ref().expect("annotations");
    assert_eq!(annotations[OWNER_ANNOTATION], "OidcClient/shop");
    let references = metadata.owner_references.as_ref().expect("references");
    let owners: Vec<_> = references.iter().map(|it| (&*it.kind, &*it.name, &*it.uid)).collect();
    assert_eq!(owners, [("OidcClient", "shop", "uid-of-shop")]);
    assert_eq!(cluster.condition("Ready").0, "True");
}

#[tokio::test]
async fn a_client_that_signs_with_its_secret_gets_a_long_one() {
    // RFC 7518 §3.2: the key is at least as long as the hash output of HS512.
    for more in ["tokenEndpointAuthMethod: client_secret_jwt", "requestObjectSigningAlg: HS512"] {
        let signs = format!("{CLIENT}  {more}\n");
        let mut cluster = Cluster::new(&[TENANT, &signs]);
        cluster.settle().await;
        assert_eq!(entry(&cluster.client_secret(), "client-secret").len(), 86, "{more}");
    }
}

#[tokio::test]
async fn a_secret_contains_texts_with_credentials_and_addresses() {
    let template = r#"  secret:
    keys: {internalUrl: internal-url}
    template:
      app.ini: "id=$(clientId)\nsecret=$(clientSecret)\nurl=$(tokenEndpoint)\n"
      literal: "$$(clientId) ${KEPT}"
"#;
    let mut cluster = Cluster::new(&[TENANT, &format!("{CLIENT}{template}")]);
    cluster.settle().await;
    let secret = cluster.client_secret();
    let issuer = "https://id.test/team/main";
    let ini = |value: &str| format!("id=team.shop\nsecret={value}\nurl={issuer}/oauth/token\n");
    assert_eq!(entry(&secret, "app.ini"), ini(&entry(&secret, "client-secret")));
    assert_eq!(entry(&secret, "literal"), "$(clientId) ${KEPT}");
    assert_eq!(entry(&secret, "internal-url"), issuer, "the installation has no internal host");

    // An edit of the client secret reaches the texts.
    cluster.source.edit(|objects, version| {
        let mut edited = secret.clone();
        let data = edited.data.as_mut().expect("entries");
        data.insert("client-secret".to_owned(), ByteString(b"rotated by hand\n".to_vec()));
        edited.metadata.resource_version = Some(version.to_string());
        let key = ObjectKey::new("team", "shop-oidc");
        objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(edited)));
    });
    cluster.settle().await;
    assert_eq!(entry(&cluster.client_secret(), "app.ini"), ini("rotated by hand"));

    // An entry that leaves the manifest leaves the Secret.
    cluster.source.apply(CLIENT);
    cluster.settle().await;
    let secret = cluster.client_secret();
    let names: Vec<_> = secret.data.as_ref().expect("entries").keys().collect();
    assert_eq!(names, ["client-id", "client-secret", "issuer"]);
    assert_eq!(entry(&secret, "client-secret"), "rotated by hand\n");
}

#[tokio::test]
async fn a_secret_contains_the_address_inside_the_cluster() {
    let secret = r#"  secret:
    keys: {internalUrl: internal-url}
    template: {app.ini: "issuer=$(issuer) token=$(internalUrl)/oauth/token"}
"#;
    let mut cluster = Cluster::new(&[TENANT, &format!("{CLIENT}{secret}")]);
    let host = InternalHost::parse("http://lanyard.sso.svc", vec!["*".to_owned()]);
    cluster.installation.hosts.internal_hosts = host.into_iter().collect();
    cluster.settle().await;
    let written = cluster.client_secret();
    let (issuer, inside) = ("https://id.test/team/main", "http://lanyard.sso.svc/team/main");
    assert_eq!(entry(&written, "internal-url"), inside);
    assert_eq!(entry(&written, "issuer"), issuer);
    assert_eq!(entry(&written, "app.ini"), format!("issuer={issuer} token={inside}/oauth/token"));
}

#[tokio::test]
async fn an_unchanged_status_is_not_written_again() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let before = (cluster.source.statuses(), cluster.source.writes());
    // A resync: all objects are enqueued although nothing has changed.
    cluster.before = ObservedState::default();
    cluster.round().await;
    assert_eq!((cluster.source.statuses(), cluster.source.writes()), before);
}

#[tokio::test]
async fn a_problem_that_another_object_solves_soon_has_no_event() {
    let mut cluster = Cluster::new(&[CLIENT]);
    cluster.settle().await;
    assert_eq!(cluster.condition("Ready"), ("False".into(), "TenantNotFound".into()));
    cluster.clock.advance(Duration::from_secs(2));
    cluster.source.apply(TENANT);
    cluster.settle().await;
    assert_eq!(cluster.condition("Ready").0, "True");
    cluster.clock.advance(Duration::from_secs(60));
    cluster.again(client()).await;
    assert!(
        !cluster.source.event_reasons().contains(&"TenantNotFound"),
        "{:?}",
        cluster.source.event_reasons()
    );
}

#[tokio::test]
async fn a_problem_that_lasts_has_one_event_after_five_seconds() {
    let mut cluster = Cluster::new(&[CLIENT]);
    let finished = cluster.round().await;
    let due = cluster.clock.now().plus(Duration::from_secs(5));
    assert!(finished.contains(&WorkResult::Done(Some(due))), "{finished:?}");
    assert!(cluster.source.event_reasons().is_empty());
    for _ in 0..3 {
        cluster.clock.advance(Duration::from_secs(5));
        cluster.again(client()).await;
        assert_eq!(cluster.source.event_reasons(), ["TenantNotFound"]);
    }
}

#[tokio::test]
async fn a_problem_of_the_object_itself_has_an_event_at_once() {
    let mut cluster = Cluster::new(&[TENANT, &CLIENT.replace("https://", "javascript:")]);
    cluster.settle().await;
    assert_eq!(cluster.source.event_reasons().iter().filter(|it| **it == "Invalid").count(), 1);
    let StatusUpdate::Managed(status) = cluster.source.status(&client()).expect("published") else {
        panic!("it can be read");
    };
    assert_eq!(find(status.conditions(), "Stalled"), ("True".into(), "Invalid".into()));
}

#[tokio::test]
async fn a_tenant_that_becomes_malformed_keeps_its_status() {
    let mut cluster = Cluster::new(&[TENANT, &format!("{CLIENT}  subjectType: pairwise\n")]);
    cluster.settle().await;
    let tenant = ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", "main"));
    let Some(StatusUpdate::Managed(before)) = cluster.source.status(&tenant) else {
        panic!("a status");
    };
    let before = before.to_json();
    assert!(before["pairwiseSaltFingerprint"].is_string(), "{before}");
    cluster.source.edit(|objects, version| {
        objects.managed.remove(ManagedKind::Tenant, &tenant.key);
        let malformed = MalformedObject {
            message: "spec.x: must be y".to_owned(),
            generation: Some(9),
            resource_version: Some(version.to_string()),
            uid: None,
            status: Arc::new(RawStatus::read(before.clone())),
            readable: None,
        };
        objects.malformed.insert(tenant.clone(), malformed);
    });
    cluster.settle().await;
    let after = cluster.source.status(&tenant).expect("published");
    let StatusUpdate::Malformed { status, resource_version } = &after else { panic!("{after:?}") };
    assert!(resource_version.is_some(), "a write under the version that was read");
    let json = status.to_json();
    assert_eq!(json["observedGeneration"], 9);
    for field in ["issuer", "signingKeys", "nextRotation", "pairwiseSaltFingerprint"] {
        assert_eq!(json[field], before[field], "{field}");
        assert!(!json[field].is_null(), "{field}");
    }
    for (condition, status) in
        [("Accepted", "False"), ("Programmed", "False"), ("Ready", "False"), ("Stalled", "True")]
    {
        assert_eq!(find(after.conditions(), condition).0, status, "{condition}");
    }
    assert_eq!(find(after.conditions(), "Ready").1, "Malformed");
}

#[tokio::test]
async fn a_client_of_another_namespace_shows_the_namespace_of_its_tenant() {
    let foreign = CLIENT.replace("namespace: team", "namespace: other");
    let foreign = foreign.replace("{name: main}", "{name: main, namespace: team}");
    let mut cluster = Cluster::new(&[TENANT, CLIENT, &foreign]);
    cluster.settle().await;
    let shown = |namespace: &str| {
        let client = ObjectRef::new(ManagedKind::OidcClient, ObjectKey::new(namespace, "shop"));
        match cluster.source.status(&client) {
            Some(StatusUpdate::Managed(AnyStatus::OidcClient(status))) => status.tenant,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([shown("team"), shown("other")].map(Option::unwrap), ["main", "team/main"]);
}

/// A deleted tenant's issuer stays reserved for ten minutes, then another tenant gets it.
#[tokio::test]
async fn a_deleted_tenants_issuer_is_reserved_for_its_name() {
    let with_issuer = |name: &str| {
        let tenant = TENANT.replace("name: main", &format!("name: {name}"));
        tenant.replace("{}", "{issuer: 'https://id.test/team/sso'}")
    };
    let mut cluster = Cluster::new(&[&with_issuer("main")]);
    cluster.settle().await;
    cluster.source.apply(&with_issuer("twin"));
    cluster.settle().await;
    let tenant = |name: &str| ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", name));
    let accepted = |cluster: &Cluster, name: &str| {
        let status = cluster.source.status(&tenant(name)).expect("a status");
        let found =
            status.conditions().iter().find(|it| it.type_ == "Accepted").expect("it").clone();
        (found.reason, found.message)
    };
    assert_eq!(accepted(&cluster, "twin").0, "IssuerConflict");
    let keys = cluster.source.secret(KEYS).expect("made").data;
    let delete = |cluster: &Cluster| {
        cluster.source.edit(|objects, _| {
            objects.managed.remove(ManagedKind::Tenant, &tenant("main").key);
        });
    };
    delete(&cluster);
    cluster.settle().await;
    let (reason, message) = accepted(&cluster, "twin");
    let end = cluster.clock.now().plus(Duration::from_secs(600)).to_string();
    assert!(reason == "IssuerConflict" && message.contains(&end), "{message}");

    // Created again, it gets issuer and keys back, and the next deletion counts from its own time.
    cluster.clock.advance(Duration::from_secs(540));
    cluster.source.apply(&with_issuer("main"));
    cluster.settle().await;
    assert_eq!(accepted(&cluster, "main").0, "Accepted");
    let annotations =
        cluster.source.secret(KEYS).expect("there").metadata.annotations.expect("some");
    assert_eq!(annotations[ISSUER_ANNOTATION], "https://id.test/team/sso");
    assert!(!annotations.contains_key(GONE_SINCE_ANNOTATION));
    delete(&cluster);
    cluster.settle().await;
    cluster.clock.advance(Duration::from_secs(599));
    cluster.again(tenant("main")).await;
    cluster.settle().await;
    assert_eq!(accepted(&cluster, "twin").0, "IssuerConflict");
    cluster.clock.advance(Duration::from_secs(1));
    cluster.again(tenant("main")).await;
    cluster.settle().await;
    assert_eq!(accepted(&cluster, "twin").0, "Accepted");
    let secret = cluster.source.secret(KEYS).expect("the keys outlive their tenant");
    assert_eq!(secret.data, keys);
    assert!(!secret.metadata.annotations.expect("some").contains_key(ISSUER_ANNOTATION));
}

#[tokio::test]
async fn a_tenant_with_imported_keys_has_a_secret_that_remembers_its_issuer() {
    let imports = TENANT.replace("{}", "{signing: {secretRef: {name: mine}}}");
    let mut cluster = Cluster::new(&[&imports]);
    cluster.settle().await;
    let secret = cluster.source.secret(KEYS).expect("made");
    assert_eq!(secret.data, None, "it has no keys");
    let annotations = secret.metadata.annotations.expect("some");
    assert_eq!(annotations[ISSUER_ANNOTATION], "https://id.test/team/main");
}

#[tokio::test]
async fn a_conflict_is_retried() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    // One conflict each for the sealing keys, the vault keys, the tenant's keys and the client's Secret.
    for _ in 0..4 {
        cluster.source.fail_next(WriteError::Conflict);
    }
    let finished = cluster.round().await;
    assert!(finished.iter().any(|finish| matches!(finish, WorkResult::Transient)), "{finished:?}");
    assert!(cluster.source.writes().is_empty());
    cluster.settle().await;
    assert_eq!(cluster.condition("Ready").0, "True");
}

/// Records how reconciles of clients count.
#[derive(Default)]
struct Counts(Mutex<Vec<ReconcileOutcome>>);

impl ReconcileMetrics for Counts {
    fn sealing_keys_missing(&self, _: MissingSealingKeys) {}

    fn reconciled(&self, kind: ObjectKind, outcome: ReconcileOutcome) {
        if kind == ManagedKind::OidcClient.into() {
            self.0.lock().expect("not poisoned").push(outcome);
        }
    }
}

#[tokio::test]
async fn metrics_count_failures_that_an_administrator_has_to_look_at() {
    let refused = || WriteError::Refused("quota exceeded".into());
    for (error, expected) in [
        (WriteError::Conflict, ReconcileOutcome::Ok),
        (WriteError::NotFound, ReconcileOutcome::Ok),
        (WriteError::Unavailable("timeout".into()), ReconcileOutcome::Retry),
        (refused(), ReconcileOutcome::Retry),
    ] {
        let mut cluster = Cluster::new(&[TENANT, CLIENT]);
        cluster.settle().await;
        let counts = Arc::new(Counts::default());
        cluster.context = cluster.context.clone().observed_by(Arc::clone(&counts) as _);
        cluster.source.edit(|objects, _| {
            objects.secrets.remove(&ObjectKey::new("team", "shop-oidc"));
        });
        cluster.source.fail_next(error.clone());
        cluster.round().await;
        assert_eq!(*counts.0.lock().expect("not poisoned"), [expected], "{error:?}");
    }
    let mut cluster = Cluster::new(&[TENANT, FOREIGN, CLIENT]);
    let counts = Arc::new(Counts::default());
    cluster.context = cluster.context.clone().observed_by(Arc::clone(&counts) as _);
    cluster.settle().await;
    let found = counts.0.lock().expect("not poisoned").last().copied();
    assert_eq!(found, Some(ReconcileOutcome::Problem), "a Secret of another owner");
}

#[tokio::test]
async fn a_rejected_write_is_reported_in_the_status() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    cluster.source.edit(|objects, _| {
        objects.secrets.remove(&ObjectKey::new("team", "shop-oidc"));
    });
    cluster.source.fail_next(WriteError::Refused("quota exceeded".into()));
    cluster.round().await;
    assert_eq!(cluster.condition("SecretReady"), ("False".into(), "WriteFailed".into()));
}

#[tokio::test]
async fn a_refused_status_has_one_event_until_it_is_accepted() {
    let mut cluster = Cluster::new(&[TENANT]);
    cluster.settle().await;
    let events = |cluster: &Cluster| {
        cluster
            .source
            .event_reasons()
            .into_iter()
            .filter(|reason| *reason == "StatusRefused")
            .count()
    };
    for expected in [1, 2] {
        cluster.source.refuses_statuses.store(true, Ordering::Relaxed);
        cluster
            .source
            .apply(&TENANT.replace("spec: {}", &format!("spec: {{displayName: '{expected}'}}")));
        for _ in 0..3 {
            cluster
                .again
                .insert(ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", "main")));
            let results = cluster.round().await;
            assert!(results.iter().any(|it| matches!(it, WorkResult::Permanent)), "{results:?}");
        }
        assert_eq!(events(&cluster), expected);
        cluster.source.refuses_statuses.store(false, Ordering::Relaxed);
        cluster.again.insert(ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", "main")));
        cluster.settle().await;
    }
}

#[tokio::test]
async fn a_foreign_secret_is_never_written() {
    let mut cluster = Cluster::new(&[TENANT, FOREIGN, CLIENT]);
    let before = cluster.client_secret();
    cluster.settle().await;
    assert_eq!(cluster.client_secret(), before);
    assert_eq!(cluster.condition("SecretReady"), ("False".into(), "NotOwned".into()));
}

#[tokio::test]
async fn a_deleted_secret_is_recreated_with_a_new_client_secret() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let before = cluster.client_secret();
    cluster.source.edit(|objects, _| {
        objects.secrets.remove(&ObjectKey::new("team", "shop-oidc"));
    });
    cluster.settle().await;
    let after = cluster.client_secret();
    assert_eq!(entry(&after, "client-id"), entry(&before, "client-id"));
    assert_ne!(entry(&after, "client-secret"), entry(&before, "client-secret"));
    assert!(cluster.source.event_reasons().contains(&"SecretRecreated"));
}

#[tokio::test]
async fn entries_added_by_others_are_preserved() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let before = cluster.client_secret();
    let mut edited = Secret::clone(&before);
    let data = edited.data.get_or_insert_default();
    data.insert("theirs".to_owned(), ByteString(b"kept".to_vec()));
    data.remove("issuer");
    cluster.source.edit(|objects, version| {
        edited.metadata.resource_version = Some(version.to_string());
        let key = ObjectKey::new("team", "shop-oidc");
        objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(edited)));
    });
    cluster.settle().await;
    let after = cluster.client_secret();
    assert_eq!(entry(&after, "theirs"), "kept");
    assert_eq!(entry(&after, "issuer"), "https://id.test/team/main");
    assert_eq!(entry(&after, "client-secret"), entry(&before, "client-secret"));
}

#[tokio::test]
async fn a_folder_deletes_only_the_secret_of_the_deleted_client() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT, &FOREIGN.replace("shop-oidc", "foreign")]);
    cluster.context = cluster.context.collecting_garbage();
    cluster.settle().await;
    cluster.deletes_client();
    cluster.settle().await;
    assert!(cluster.source.secret("shop-oidc").is_none());
    assert!(cluster.source.secret("foreign").is_some());
    assert!(cluster.source.secret("main-signing-keys").is_some());
}

#[tokio::test]
async fn nothing_is_deleted_while_a_manifest_is_unreadable() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.context = cluster.context.collecting_garbage();
    cluster.settle().await;
    cluster.source.edit(|objects, _| objects.incomplete = true);
    cluster.deletes_client();
    cluster.settle().await;
    assert!(cluster.source.secret("shop-oidc").is_some());
}

#[tokio::test]
async fn a_cluster_leaves_deletion_to_its_garbage_collector() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    cluster.deletes_client();
    cluster.settle().await;
    assert!(cluster.source.secret("shop-oidc").is_some());
}

#[tokio::test]
async fn a_damaged_key_is_backed_up_before_it_is_replaced() {
    let mut cluster = Cluster::new(&[TENANT]);
    cluster.settle().await;
    cluster.damages_keys();
    let before = cluster.source.writes().len();
    cluster.settle().await;
    let writes = &cluster.source.writes()[before..];
    assert_eq!(writes, ["create main-signing-keys-backup", "replace main-signing-keys"]);
    let kept = cluster.source.secret("main-signing-keys-backup").expect("kept");
    let kept: Vec<_> = kept.data.iter().flat_map(|data| data.values()).collect();
    assert_eq!(kept, [&ByteString(b"scribble".to_vec())]);
    assert!(cluster.source.event_reasons().contains(&"KeysDamaged"));
}

#[tokio::test]
async fn a_damaged_key_is_not_replaced_without_a_backup() {
    let foreign = FOREIGN.replace("shop-oidc", "main-signing-keys-backup");
    let mut cluster = Cluster::new(&[TENANT, &foreign]);
    // The foreign Secret does not matter before there is something to back up.
    cluster.settle().await;
    let damaged = cluster.damages_keys();
    let before = cluster.source.writes();
    cluster.round().await;
    cluster.round().await;
    assert_eq!(cluster.source.writes(), before);
    assert_eq!(cluster.source.secret(KEYS).expect("there").data, damaged.data);
}

#[tokio::test]
async fn losing_the_lease_aborts_a_write_in_progress() {
    let cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.project();
    cluster.source.hangs.store(true, Ordering::SeqCst);
    let (leads, follow) = watch::channel(true);
    let running =
        tokio::spawn(run_controller(cluster.context.clone(), follow, std::future::pending::<()>()));
    cluster.source.attempted().await;
    leads.send_replace(false);
    drop(leads);
    let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
    ended.expect("in time").expect("no panic");
    assert!(cluster.source.writes().is_empty());
}

#[tokio::test]
async fn a_renamed_secret_keeps_the_client_secret() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let before = cluster.client_secret();
    cluster.source.apply(&format!("{CLIENT}  secret: {{name: renamed}}\n"));
    cluster.settle().await;
    let after = cluster.source.secret("renamed").expect("made");
    assert_eq!(entry(&after, "client-secret"), entry(&before, "client-secret"));
    assert!(cluster.source.secret("shop-oidc").is_none());
}

#[tokio::test]
async fn an_invalid_edit_does_not_delete_the_secret() {
    let mut cluster = Cluster::new(&[TENANT, CLIENT]);
    cluster.settle().await;
    let before = cluster.client_secret();
    cluster.source.apply(&CLIENT.replace("name: main", "name: nowhere"));
    cluster.settle().await;
    assert_eq!(cluster.client_secret(), before);
    assert_eq!(cluster.condition("Ready").0, "False");
}

#[tokio::test]
async fn a_foreign_key_secret_is_never_written() {
    let foreign = FOREIGN.replace("shop-oidc", "main-signing-keys");
    let mut cluster = Cluster::new(&[TENANT, &foreign, CLIENT]);
    let before = cluster.source.secret("main-signing-keys");
    cluster.settle().await;
    assert_eq!(cluster.source.secret("main-signing-keys"), before);
    assert!(cluster.source.secret("main-signing-keys-backup").is_none());
}

const PROVIDER: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp, namespace: team}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc: {issuer: https://sso.test, clientId: lanyard}
  admit: Everyone
";

/// An identity provider with a changing answer.
#[derive(Debug)]
struct Answering {
    answer: Mutex<Result<(), ProbeFailure>>,
    asked: Mutex<Vec<ProbeTarget>>,
}

#[async_trait]
impl UpstreamProbe for Answering {
    async fn probe(&self, target: &ProbeTarget) -> Result<(), ProbeError> {
        self.asked.lock().expect("not poisoned").push(target.clone());
        let answer = *self.answer.lock().expect("not poisoned");
        answer.map_err(|failure| ProbeError { failure, cause: "of the test".to_owned() })
    }
}

impl Cluster {
    fn provider_conditions(&self) -> Vec<Condition> {
        let provider =
            ObjectRef::new(ManagedKind::IdentityProvider, ObjectKey::new("team", "corp"));
        match self.source.status(&provider) {
            Some(StatusUpdate::Managed(AnyStatus::IdentityProvider(status))) => status.conditions,
            other => panic!("no status: {other:?}"),
        }
    }

    /// Lets time pass until the condition `Reachable` of the provider has a reason.
    async fn until_reachable_is(&self, status: &str, reason: &str) {
        for _ in 0..20 {
            self.clock.advance(Duration::from_secs(40));
            tokio::time::sleep(Duration::from_secs(40)).await;
            let conditions = self.provider_conditions();
            let found = conditions.iter().find(|it| it.type_ == "Reachable");
            if found.is_some_and(|it| it.status == status && it.reason == reason) {
                assert_eq!(find(&conditions, "Ready").0, "True");
                return;
            }
        }
        panic!("{:?}", self.provider_conditions());
    }
}

#[tokio::test(start_paused = true)]
async fn the_leader_reports_whether_a_provider_is_reachable() {
    let mut cluster = Cluster::new(&[TENANT, PROVIDER]);
    cluster.settle().await;
    assert!(cluster.provider_conditions().iter().all(|it| it.type_ != "Reachable"));
    let answering = Arc::new(Answering { answer: Mutex::new(Ok(())), asked: Mutex::default() });
    cluster.context = cluster.context.clone().with_upstream_probe(Arc::clone(&answering) as _);
    let answer = |answer| *answering.answer.lock().expect("not poisoned") = answer;
    let (_leads, follow) = watch::channel(true);
    let running =
        tokio::spawn(run_controller(cluster.context.clone(), follow, std::future::pending::<()>()));
    cluster.until_reachable_is("True", "Reachable").await;
    let writes = cluster.source.statuses();
    for _ in 0..20 {
        cluster.clock.advance(Duration::from_secs(40));
        tokio::time::sleep(Duration::from_secs(40)).await;
    }
    assert_eq!(cluster.source.statuses(), writes, "no probe alone writes a status");
    answer(Err(ProbeFailure::Unreachable));
    cluster.until_reachable_is("False", "Unreachable").await;
    answer(Err(ProbeFailure::CertificateInvalid));
    cluster.until_reachable_is("False", "CertificateInvalid").await;
    answer(Ok(()));
    cluster.until_reachable_is("True", "Reachable").await;
    let asked = answering.asked.lock().expect("not poisoned");
    assert!(asked.len() > 20, "{}", asked.len());
    let expected = ProbeQuestion::Discovery("https://sso.test".into());
    assert!(asked.iter().all(|it| it.question == expected && !it.inside_network));
    running.abort();
}
