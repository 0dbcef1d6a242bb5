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

/// How long further changes are awaited, since each change lists all objects again.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// The names of matching namespaces; `None` before the first list.
type Matching = Option<BTreeSet<String>>;

/// The watches of one set of namespaces. They end when the value is dropped.
struct Generation {
    views: watch::Receiver<Arc<SourceView>>,
    _tasks: JoinSet<()>,
}

/// Collects until all receivers of views are dropped.
pub(super) async fn watch_selected_namespaces(
    client: Client,
    options: ClusterOptions,
    selector: String,
    views: watch::Sender<Arc<SourceView>>,
    health: watch::Receiver<Failing>,
) {
    let mut tasks = JoinSet::new();
    let (matching, mut matched) = watch::channel(None);
    tasks.spawn(follow(client.clone(), selector, matching));
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
                next = Some(Generation::start(&client, &options, names, &health));
            }
            view = synced(&mut next) => {
                current = next.take();
                revisions.replace();
                views.send_replace(revisions.continued(&view));
            }
            view = changed(&mut current) => {
                views.send_replace(revisions.continued(&view));
            }
        }
    }
}

impl Generation {
    fn start(
        client: &Client,
        options: &ClusterOptions,
        names: BTreeSet<String>,
        health: &watch::Receiver<Failing>,
    ) -> Self {
        let (sender, views) = watch::channel(Arc::default());
        let namespaces = names.into_iter().collect();
        let options = ClusterOptions { namespaces, ..options.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(view_collector::run_view_collector(
            client.clone(),
            options,
            sender,
            health.clone(),
        ));
        Self { views, _tasks: tasks }
    }
}

/// Waits for the first complete view; forever if there is no generation.
async fn synced(generation: &mut Option<Generation>) -> Arc<SourceView> {
    loop {
        let view = changed(generation).await;
        if view.health.synced {
            return view;
        }
    }
}

/// Waits for the next view; forever if there is no generation.
async fn changed(generation: &mut Option<Generation>) -> Arc<SourceView> {
    if let Some(generation) = generation
        && generation.views.changed().await.is_ok()
    {
        return Arc::clone(&generation.views.borrow_and_update());
    }
    std::future::pending().await
}

/// Revisions that go on rising when new watches begin to count.
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
