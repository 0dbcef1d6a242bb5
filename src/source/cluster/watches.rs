//! The watches on the API server, as streams of changes.

use std::{fmt::Debug, sync::Arc};

use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client, Resource,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event},
    },
};
use serde::de::DeserializeOwned;

use super::{
    ClusterOptions,
    deserialize_guard::{DeserializedOrError, UnreadableObject},
    retention::{SecretFilter, retained_part},
    streaming::{CappedBackoff, streaming_or_paged},
    watch_event::{WatchChange, WatchEntry, WatchEvent, object_reference, watch_failure},
    without_managed_fields::WithoutManagedFields,
};
use crate::{
    api::{
        AnyCachedObject, CachedObject, CachedSecret, MANAGED_LABEL, MalformedObject, ManagedObject,
        with_kind,
    },
    model::{ManagedKind, ObjectKey, ObjectKind},
};

/// Timeout of a watch request in seconds, after which it resumes. A watch that is silent for 5 s
/// longer has lost its connection, which is not detected otherwise. This bounds the age of an
/// unseen change.
pub(super) const WATCH_TIMEOUT_SECS: u32 = 25;

/// Page size of lists of Secrets with Lanyard's label, if the API server cannot stream them. A
/// Secret may have a megabyte, and every writer of Secrets can set the label.
const SECRET_PAGE_SIZE: u32 = 8;

/// Page size of lists. A page is a tree of JSON values before it is converted; pages of 500 objects
/// fragment memory permanently, and pages of 100 take no longer.
const PAGE_SIZE: u32 = 100;

type Changes = BoxStream<'static, WatchChange>;

/// All watches with their kinds, indexed from 0.
pub(super) fn all_watches(
    client: &Client,
    options: &ClusterOptions,
    filter: &SecretFilter,
) -> Vec<(ObjectKind, Changes)> {
    let (client, filter) = (client.clone(), filter.clone());
    let mut watches = Watches { client, filter, streams: Vec::new() };
    if options.watches_all() {
        watches.namespace(None);
    }
    if options.reads_labels() {
        let api = Api::<WithoutManagedFields<Namespace>>::all(watches.client.clone());
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
    for secret in options.key_secrets.all() {
        if options.watches_all() || options.namespaces.iter().any(|it| **it == *secret.namespace) {
            continue;
        }
        let api = Api::namespaced(watches.client.clone(), &secret.namespace);
        let only = Config::default().fields(&format!("metadata.name={}", secret.name));
        watches.add((api, None), only, ObjectKind::Secret, own);
    }
    watches.streams
}

struct Watches {
    client: Client,
    filter: SecretFilter,
    streams: Vec<(ObjectKind, Changes)>,
}

impl Watches {
    /// Adds the watches of one namespace, or of all.
    fn namespace(&mut self, namespace: Option<&str>) {
        for kind in ManagedKind::ALL {
            with_kind!(kind, K => self.guarded::<K>(namespace));
        }
        self.own_secrets(namespace);
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

    /// Adds a watch of one of Lanyard's kinds. Malformed objects are items like any other.
    fn guarded<K: ManagedObject>(&mut self, namespace: Option<&str>)
    where
        AnyCachedObject: From<CachedObject<K>>,
    {
        let api: Api<WithoutManagedFields<DeserializedOrError<K>>> = self.api(namespace);
        self.add(
            (api, namespace),
            Config::default(),
            K::KIND.into(),
            |key, WithoutManagedFields(guarded)| match guarded.0 {
                Ok(read) => {
                    let object = CachedObject::new(key, read.object);
                    WatchEntry::Object(object.with_unknown_fields(read.unknown_fields).into())
                }
                Err(unread) => {
                    let UnreadableObject { field, message, rest, metadata, status } = *unread;
                    let readable = rest.map(|rest| {
                        let object = CachedObject::new(key, rest);
                        object.with_unknown_fields([field.into()].into()).into()
                    });
                    WatchEntry::Malformed(MalformedObject {
                        message,
                        generation: metadata.generation,
                        resource_version: metadata.resource_version,
                        uid: metadata.uid,
                        status: status.into(),
                        readable,
                    })
                }
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

    /// Adds a watch of the Secrets with Lanyard's label. A Secret that no object refers to is dropped when it arrives,
    /// so the memory contains at most one such Secret at a time.
    fn own_secrets(&mut self, namespace: Option<&str>) {
        let api: Api<WithoutManagedFields<Secret>> = self.api(namespace);
        let config = Config::default().labels(&format!("{MANAGED_LABEL}=true"));
        let config = config.timeout(WATCH_TIMEOUT_SECS);
        let filter = self.filter.clone();
        let mut is_ready = filter.is_ready.clone();
        // An error means that no view is collected any more.
        let ready = async move { is_ready.wait_for(|ready| *ready).await.is_ok() };
        let secrets = stream::once(ready)
            .flat_map(move |_| streaming_or_paged(api.clone(), &config, SECRET_PAGE_SIZE));
        self.push(secrets, ObjectKind::Secret, namespace, move |key, WithoutManagedFields(it)| {
            let version = it.metadata.resource_version.clone().unwrap_or_default();
            retained_part(&filter.objects.load(), &filter.key_secrets, key, it)
                .map_or(WatchEntry::OtherSecret(version), WatchEntry::ManagedSecret)
        });
    }

    /// Adds a watch of other Secrets, metadata only: Lanyard must not read their content unless an
    /// object refers to them, and Helm release Secrets have up to a megabyte each.
    fn other_secrets(&mut self, namespace: Option<&str>) {
        let api: Api<WithoutManagedFields<PartialObjectMeta<Secret>>> = self.api(namespace);
        let config = Config::default().labels(&format!("{MANAGED_LABEL}!=true"));
        let config = config.timeout(WATCH_TIMEOUT_SECS);
        let secrets = streaming_or_paged(api, &config, PAGE_SIZE);
        self.push(secrets, ObjectKind::Secret, namespace, |_, WithoutManagedFields(it)| {
            WatchEntry::OtherSecret(it.metadata.resource_version.unwrap_or_default())
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
                    let reference = object_reference(kind, &object, &mut last);
                    let item = item(&reference.key, object);
                    WatchEvent::There(reference, item)
                }
                Ok(Event::InitDone) => WatchEvent::Complete,
                Ok(Event::Delete(object)) => {
                    WatchEvent::Gone(object_reference(kind, &object, &mut last))
                }
                Err(error) => watch_failure(kind, namespace.as_ref(), &error),
            };
            WatchChange { watch, what }
        });
        self.streams.push((kind, changes.boxed()));
    }
}

/// A Secret that Lanyard manages.
fn own(_: &ObjectKey, WithoutManagedFields(secret): WithoutManagedFields<Secret>) -> WatchEntry {
    WatchEntry::ManagedSecret(CachedSecret::new(secret))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use arc_swap::ArcSwap;
    use http::{Request, Response, header::ACCEPT};
    use kube::client::Body;
    use tokio::sync::watch;
    use tower::service_fn;

    use super::*;
    use crate::{api::ObjectSet, model::KeySecrets};

    /// The first requests to an API server without objects: URL and `Accept` header of each.
    async fn asked(namespaces: &[&str]) -> Vec<(String, String)> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let server = service_fn(move |request: Request<Body>| {
            let accept = request
                .headers()
                .get(ACCEPT)
                .map_or("", |it| it.to_str().expect("ASCII"))
                .to_owned();
            let url = request.uri().to_string();
            let is_streaming = url.contains("sendInitialEvents=true");
            heard.lock().expect("whole").push((url, accept));
            let refusal = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled", "reason": "Invalid", "code": 422}"#;
            let empty = r#"{"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}"#;
            async move {
                let (status, answer) = if is_streaming { (422, refusal) } else { (200, empty) };
                let answer = Response::builder().status(status).body(answer.as_bytes().to_vec());
                Ok::<_, std::convert::Infallible>(answer.expect("a response").map(Body::from))
            }
        });
        let options = ClusterOptions {
            namespaces: namespaces.iter().map(|&it| it.to_owned()).collect(),
            selector: None,
            key_secrets: KeySecrets::new("lanyard", ""),
        };
        let filter = SecretFilter {
            objects: Arc::new(ArcSwap::from_pointee(ObjectSet::default())),
            is_ready: watch::channel(true).1,
            key_secrets: options.key_secrets.clone(),
        };
        for (_, mut changes) in all_watches(&Client::new(server, "default"), &options, &filter) {
            loop {
                match changes.next().await.expect("the stream continues").what {
                    WatchEvent::Complete => break,
                    WatchEvent::Failed(why) => panic!("{why}"),
                    _ => {}
                }
            }
        }
        let asked = asked.lock().expect("whole");
        asked.clone()
    }

    /// Secrets may be large: they are streamed, and an API server that cannot stream them returns
    /// few at once if they have content.
    #[tokio::test]
    async fn secrets_are_streamed_or_listed_in_small_pages() {
        let asked = asked(&[]).await;
        let own: Vec<_> =
            asked.iter().map(|(url, _)| url).filter(|url| url.contains("managed%3Dtrue")).collect();
        assert!(own[0].contains("sendInitialEvents=true"), "{own:?}");
        assert!(own[1].contains("limit=8"), "{own:?}");
    }

    /// Secrets that Lanyard does not manage are watched by metadata only. See
    /// docs/design/cluster.md#secrets.
    #[tokio::test]
    async fn the_content_of_unmanaged_secrets_is_not_requested() {
        for namespaces in [&[][..], &["team"]] {
            let asked = asked(namespaces).await;
            let secrets: Vec<_> =
                asked.iter().filter(|(url, _)| url.contains("/secrets")).collect();
            assert!(secrets.len() >= 2, "{asked:?}");
            for (url, accept) in secrets {
                let own = url.contains("managed%3Dtrue") || url.contains("metadata.name%3D");
                assert_eq!(!own, accept.contains("as=PartialObjectMetadata"), "{url}: {accept}");
            }
        }
    }
}
