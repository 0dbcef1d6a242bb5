//! Watches the namespaces that a label selector matches. When the matching set changes, new watches
//! are started, and their objects replace the old ones once all their lists are complete.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event},
    },
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    ClusterOptions, Failing, streaming::CappedBackoff, view_collector, watches::WATCH_TIMEOUT_SECS,
};
use crate::api::SourceView;

/// How long further changes are awaited, because each change lists all objects again.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// The names of matching namespaces; `None` before the first list.
type Matching = Option<BTreeSet<String>>;

/// The watches of one set of namespaces. They end when the value is dropped.
struct Generation {
    names: BTreeSet<String>,
    views: watch::Receiver<Arc<SourceView>>,
    _tasks: JoinSet<()>,
}

/// The watches of all namespaces that a selector matches.
pub(super) struct SelectedNamespaces {
    pub(super) client: Client,
    pub(super) options: ClusterOptions,
    pub(super) selector: String,
    pub(super) health: watch::Receiver<Failing>,
}

impl SelectedNamespaces {
    /// Collects until all receivers of views are dropped. `left` becomes the namespaces that were
    /// watched and no longer are.
    pub(super) async fn collect(
        self,
        views: watch::Sender<Arc<SourceView>>,
        left: watch::Sender<BTreeSet<String>>,
    ) {
        let mut tasks = JoinSet::new();
        let (matching, mut matched) = watch::channel(None);
        tasks.spawn(follow(self.client.clone(), self.selector.clone(), matching));
        let mut revisions = Revisions::default();
        let (mut current, mut next) = (None::<Generation>, None);
        let mut restart = None;
        loop {
            tokio::select! {
                () = views.closed() => return,
                changed = matched.changed(), if restart.is_none() => {
                    if changed.is_err() {
                        return;
                    }
                    let delay = if current.is_some() { DEBOUNCE } else { Duration::ZERO };
                    restart = Some(Instant::now() + delay);
                }
                () = sleep_until(restart.unwrap_or_else(Instant::now)), if restart.is_some() => {
                    restart = None;
                    let Some(names) = matched.borrow_and_update().clone() else { continue };
                    tracing::info!("watching the namespaces that the selector matches now");
                    next = Some(self.start(names));
                }
                view = synced(&mut next) => {
                    let before = std::mem::replace(&mut current, next.take());
                    revisions.replace();
                    // Sent before the view, so that users whose objects vanish from it are not taken for deleted.
                    if let (Some(before), Some(now)) = (before, &current) {
                        left.send_if_modified(|left| leave(left, before.names, &now.names));
                    }
                    views.send_replace(revisions.continued(&view));
                }
                view = changed(&mut current) => {
                    views.send_replace(revisions.continued(&view));
                }
            }
        }
    }

    fn start(&self, names: BTreeSet<String>) -> Generation {
        let (sender, views) = watch::channel(Arc::default());
        let namespaces = names.iter().cloned().collect();
        let options = ClusterOptions { namespaces, ..self.options.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(view_collector::run_view_collector(
            self.client.clone(),
            options,
            sender,
            self.health.clone(),
        ));
        Generation { names, views, _tasks: tasks }
    }
}

/// Adds the namespaces that are no longer watched, and removes those that are watched again. Returns
/// true if some were added.
fn leave(left: &mut BTreeSet<String>, before: BTreeSet<String>, now: &BTreeSet<String>) -> bool {
    left.retain(|name| !now.contains(name));
    let count = left.len();
    left.extend(before.into_iter().filter(|name| !now.contains(name)));
    left.len() > count
}

/// Waits for the first complete view. Does not return without a generation.
async fn synced(generation: &mut Option<Generation>) -> Arc<SourceView> {
    loop {
        let view = changed(generation).await;
        if view.health.synced {
            return view;
        }
    }
}

/// Waits for the next view. Does not return without a generation.
async fn changed(generation: &mut Option<Generation>) -> Arc<SourceView> {
    if let Some(generation) = generation
        && generation.views.changed().await.is_ok()
    {
        return Arc::clone(&generation.views.borrow_and_update());
    }
    std::future::pending().await
}

/// Makes the revisions of views rise further when new watches start from the beginning.
#[derive(Debug, Default)]
struct Revisions {
    base: u64,
    last: u64,
}

impl Revisions {
    /// New watches, which count from the start.
    fn replace(&mut self) {
        self.base = self.last;
    }

    fn continued(&mut self, view: &SourceView) -> Arc<SourceView> {
        self.last = self.base + view.revision;
        Arc::new(SourceView { revision: self.last, ..view.clone() })
    }
}

/// Follows the names of the namespaces that match. The API server evaluates the selector.
async fn follow(client: Client, selector: String, matching: watch::Sender<Matching>) {
    let config = Config::default().labels(&selector).timeout(WATCH_TIMEOUT_SECS);
    let events = watcher::watcher(Api::<PartialObjectMeta<Namespace>>::all(client), config);
    let mut events = pin!(events.backoff(CappedBackoff::default()));
    let mut names = BTreeSet::new();
    while let Some(event) = events.next().await {
        let is_listing = matches!(event, Ok(Event::Init | Event::InitApply(_)));
        let name = |it: PartialObjectMeta<Namespace>| it.metadata.name.unwrap_or_default();
        match event {
            Ok(Event::Init) => names.clear(),
            Ok(Event::InitApply(found) | Event::Apply(found)) => {
                names.insert(name(found));
            }
            Ok(Event::Delete(gone)) => {
                names.remove(&name(gone));
            }
            Ok(Event::InitDone) => {}
            Err(error) => {
                tracing::warn!(%error, "the watch of selected namespaces failed; retrying");
                continue;
            }
        }
        if !is_listing {
            matching.send_if_modified(|known| {
                let differs = known.as_ref() != Some(&names);
                if differs {
                    *known = Some(names.clone());
                }
                differs
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_leave_and_return() {
        let names = |text: &str| -> BTreeSet<String> {
            text.split_whitespace().map(str::to_owned).collect()
        };
        let mut left = BTreeSet::new();
        assert!(!leave(&mut left, names("a b"), &names("a b c")));
        assert!(leave(&mut left, names("a b c"), &names("c")));
        assert_eq!(left, names("a b"));
        assert!(!leave(&mut left, names("c"), &names("a c")));
        assert_eq!(left, names("b"));
        assert!(leave(&mut left, names("a c"), &names("b")));
        assert_eq!(left, names("a c"));
    }

    #[test]
    fn revisions_rise_over_generations() {
        let mut revisions = Revisions::default();
        let mut revision = |of: u64, replaces: bool| {
            if replaces {
                revisions.replace();
            }
            revisions.continued(&SourceView { revision: of, ..SourceView::default() }).revision
        };
        assert_eq!([revision(1, true), revision(7, false)], [1, 7]);
        assert_eq!([revision(1, true), revision(1, false), revision(2, false)], [8, 8, 9]);
    }
}
