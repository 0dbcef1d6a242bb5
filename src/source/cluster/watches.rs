//! The watches: what is asked of the API server, and what comes of it as changes of one kind.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client, Resource,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        utils::Backoff,
        watcher::{self, Config, DefaultBackoff, Event},
    },
};
use serde::de::DeserializeOwned;

use super::{
    ClusterOptions, deserialize_guard::Tolerant, forbidden::ForbiddenWatch,
    without_managed_fields::WithoutManagedFields,
};
use crate::{
    api::{
        CachedObject, CachedSecret, MANAGED_LABEL, MalformedObject, ManagedKind, OidcClient,
        OidcUser, Tenant,
    },
    model::{ObjectKey, ObjectKind, ObjectRef},
};

/// Seconds after which a watch is made anew from where it was. One that says nothing for 5 s longer
/// has lost its connection, which nothing else would tell: so old a change may be at most.
const WATCH_TIMEOUT_SECS: u32 = 25;

/// Objects asked for at a time when a kind is listed. A page becomes a tree of JSON values before it
/// becomes objects, and 500 of them leave holes in memory that nothing fills again; 100 cost no time.
const PAGE_SIZE: u32 = 100;

/// Before a watch that failed is tried again, at the longest: kube's own pauses grow to a minute,
/// and for as long changes would be late after the API server was away.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// kube's pauses, bounded.
#[derive(Default)]
struct CappedBackoff(DefaultBackoff);

impl Iterator for CappedBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0.next()?.min(MAX_BACKOFF))
    }
}

impl Backoff for CappedBackoff {
    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Something that a watch shows.
#[derive(Clone, Debug)]
pub(super) enum WatchEntry {
    Tenant(CachedObject<Tenant>),
    Client(CachedObject<OidcClient>),
    User(CachedObject<OidcUser>),
    Malformed(MalformedObject),
    /// One of ours, whole.
    Managed(CachedSecret),
    /// Someone else's: only its resource version.
    Other(String),
    Namespace(BTreeMap<String, String>),
}

/// A change, and the watch that it comes from.
#[derive(Debug)]
pub(super) struct WatchChange {
    pub(super) watch: usize,
    pub(super) what: WatchEvent,
}

#[derive(Debug)]
pub(super) enum WatchEvent {
    /// A list begins.
    Begin,
    /// An object is there.
    There(ObjectRef, WatchEntry),
    /// An object is gone.
    Gone(ObjectRef),
    /// The list is in: what of this watch was not in it is gone.
    Complete,
    /// The watch failed and is tried again.
    Failed(String),
    /// The watch of one of several namespaces may not be made; it is tried again.
    Denied(ForbiddenWatch),
}

type Changes = BoxStream<'static, WatchChange>;

/// Every watch, numbered from 0.
pub(super) fn all(client: &Client, options: &ClusterOptions) -> Vec<Changes> {
    let mut watches = Watches { client: client.clone(), streams: Vec::new() };
    if options.namespaces.is_empty() {
        watches.namespace(None);
        let api = Api::<WithoutManagedFields<Namespace>>::all(client.clone());
        watches.add(
            (api, None),
            Config::default(),
            ObjectKind::Namespace,
            |_, WithoutManagedFields(it)| {
                WatchEntry::Namespace(it.metadata.labels.unwrap_or_default())
            },
        );
    }
    for namespace in &options.namespaces {
        watches.namespace(Some(namespace));
    }
    let sealing = &options.sealing_secret;
    if !options.namespaces.is_empty()
        && !options.namespaces.iter().any(|it| **it == *sealing.namespace)
    {
        let api = Api::namespaced(client.clone(), &sealing.namespace);
        let only = Config::default().fields(&format!("metadata.name={}", sealing.name));
        watches.add((api, None), only, ObjectKind::Secret, own);
    }
    watches.streams
}

struct Watches {
    client: Client,
    streams: Vec<Changes>,
}

impl Watches {
    /// Everything of a namespace, or of all.
    fn namespace(&mut self, namespace: Option<&str>) {
        self.guarded(namespace, ObjectKind::Tenant, WatchEntry::Tenant);
        self.guarded(namespace, ObjectKind::OidcClient, WatchEntry::Client);
        self.guarded(namespace, ObjectKind::OidcUser, WatchEntry::User);
        let managed = Config::default().labels(&format!("{MANAGED_LABEL}=true"));
        let secrets = self.api(namespace);
        self.add((secrets, namespace), managed, ObjectKind::Secret, own);
        self.other_secrets(namespace);
    }

    fn api<K>(&self, namespace: Option<&str>) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// Objects of one of our kinds: one that cannot be read is an item like any other.
    fn guarded<K>(
        &mut self,
        namespace: Option<&str>,
        kind: ObjectKind,
        item: fn(CachedObject<K>) -> WatchEntry,
    ) where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
        K: ManagedKind + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let api: Api<WithoutManagedFields<Tolerant<K>>> = self.api(namespace);
        self.add(
            (api, namespace),
            Config::default(),
            kind,
            move |key, WithoutManagedFields(guarded)| match guarded.0 {
                Ok(object) => item(CachedObject::new(key, object)),
                Err(unread) => WatchEntry::Malformed(MalformedObject {
                    message: unread.message,
                    generation: unread.metadata.generation,
                    resource_version: unread.metadata.resource_version,
                    uid: unread.metadata.uid,
                }),
            },
        );
    }

    fn add<K>(
        &mut self,
        (api, namespace): (Api<WithoutManagedFields<K>>, Option<&str>),
        config: Config,
        kind: ObjectKind,
        item: impl Fn(&ObjectKey, WithoutManagedFields<K>) -> WatchEntry + Send + 'static,
    ) where
        K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    {
        let config = config.timeout(WATCH_TIMEOUT_SECS).page_size(PAGE_SIZE);
        let stream = watcher::watcher(api, config).backoff(CappedBackoff::default());
        self.push(stream, kind, namespace, item);
    }

    /// Secrets that are not ours. The API server is asked for their metadata only: what they hold is
    /// none of our business unless an object refers to it, and releases of Helm are a megabyte each.
    fn other_secrets(&mut self, namespace: Option<&str>) {
        let api: Api<WithoutManagedFields<PartialObjectMeta<Secret>>> = self.api(namespace);
        let config = Config::default().labels(&format!("{MANAGED_LABEL}!=true"));
        self.add((api, namespace), config, ObjectKind::Secret, |_, WithoutManagedFields(it)| {
            WatchEntry::Other(it.metadata.resource_version.unwrap_or_default())
        });
    }

    fn push<K: Resource>(
        &mut self,
        stream: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + 'static,
        kind: ObjectKind,
        namespace: Option<&str>,
        item: impl Fn(&ObjectKey, K) -> WatchEntry + Send + 'static,
    ) {
        let watch = self.streams.len();
        let namespace = namespace.map(str::to_owned);
        let mut last = Arc::from("");
        let changes = stream.map(move |event| {
            let what = match event {
                Ok(Event::Init) => WatchEvent::Begin,
                Ok(Event::InitApply(object) | Event::Apply(object)) => {
                    let reference = reference(kind, &object, &mut last);
                    let item = item(&reference.key, object);
                    WatchEvent::There(reference, item)
                }
                Ok(Event::InitDone) => WatchEvent::Complete,
                Ok(Event::Delete(object)) => WatchEvent::Gone(reference(kind, &object, &mut last)),
                Err(error) => failure(kind, namespace.as_ref(), &error),
            };
            WatchChange { watch, what }
        });
        self.streams.push(changes.boxed());
    }
}

/// A watch that failed. Where several namespaces are watched one by one, a Role that one of them
/// lacks is that one's own trouble.
fn failure(kind: ObjectKind, namespace: Option<&String>, error: &watcher::Error) -> WatchEvent {
    let refused = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    };
    match (refused, namespace) {
        (Some(status), Some(namespace)) if status.code == 403 => {
            WatchEvent::Denied(ForbiddenWatch {
                namespace: namespace.clone(),
                kind,
                message: status.message.clone(),
            })
        }
        _ => WatchEvent::Failed(format!("{kind}: {error}")),
    }
}

/// What an object is called. Lists come namespace by namespace, so that those of one share its name
/// if each takes that of the object before it.
fn reference(kind: ObjectKind, object: &impl Resource, last: &mut Arc<str>) -> ObjectRef {
    let metadata = object.meta();
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    if **last != *namespace {
        *last = namespace.into();
    }
    let name = metadata.name.as_deref().unwrap_or_default();
    let key = ObjectKey::within(last, name);
    // Others are named by nobody but themselves.
    let key =
        if matches!(kind, ObjectKind::Tenant | ObjectKind::Secret) { key.shared() } else { key };
    ObjectRef { kind, key }
}

/// A Secret of ours.
fn own(_: &ObjectKey, WithoutManagedFields(secret): WithoutManagedFields<Secret>) -> WatchEntry {
    WatchEntry::Managed(CachedSecret::new(secret))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{Request, Response, header::ACCEPT};
    use kube::client::Body;
    use tower::service_fn;

    use super::*;

    /// What an API server without objects is asked for first: URL and `Accept` of each request.
    async fn asked(namespaces: &[&str]) -> Vec<(String, String)> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let server = service_fn(move |request: Request<Body>| {
            let accept = request
                .headers()
                .get(ACCEPT)
                .map_or("", |it| it.to_str().expect("ASCII"))
                .to_owned();
            heard.lock().expect("whole").push((request.uri().to_string(), accept));
            let empty = r#"{"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}"#;
            async move {
                Ok::<_, std::convert::Infallible>(Response::new(Body::from(
                    empty.as_bytes().to_vec(),
                )))
            }
        });
        let options = ClusterOptions {
            namespaces: namespaces.iter().map(|&it| it.to_owned()).collect(),
            sealing_secret: ObjectKey::new("lanyard", "sealing"),
            identity: "a".to_owned(),
        };
        for mut changes in all(&Client::new(server, "default"), &options) {
            loop {
                match changes.next().await.expect("it goes on").what {
                    WatchEvent::Complete => break,
                    WatchEvent::Failed(why) => panic!("{why}"),
                    _ => {}
                }
            }
        }
        let asked = asked.lock().expect("whole");
        asked.clone()
    }

    /// docs/design/cluster.md#secrets: Secrets are watched as metadata, but for our own.
    #[tokio::test]
    async fn nobody_is_asked_what_the_secrets_of_others_hold() {
        for namespaces in [&[][..], &["team"]] {
            let asked = asked(namespaces).await;
            let secrets: Vec<_> =
                asked.iter().filter(|(url, _)| url.contains("/secrets")).collect();
            assert!(secrets.len() >= 2, "{asked:?}");
            for (url, accept) in secrets {
                let own = url.contains("managed%3Dtrue") || url.contains("metadata.name%3Dsealing");
                assert_eq!(
                    !own,
                    accept.contains("as=PartialObjectMetadataList"),
                    "{url}: {accept}"
                );
            }
        }
    }
}
