//! Watches whose initial list is streamed, and the delays between retries.

use std::{fmt::Debug, time::Duration};

use futures::{Stream, StreamExt, future::ready};
use kube::{
    Api, Resource,
    runtime::{
        WatchStreamExt,
        utils::Backoff,
        watcher::{self, Config, DefaultBackoff, Event},
    },
};
use serde::de::DeserializeOwned;

/// Maximum delay before a failed watch is retried. kube's own backoff grows to a minute, which
/// would delay changes by as much after an outage of the API server.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// kube's backoff with an upper bound.
#[derive(Default)]
pub(super) struct CappedBackoff(DefaultBackoff);

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

/// Watches objects. Their initial list is streamed one by one. On an API server that cannot stream it, the list has
/// pages of this size.
pub(super) fn streaming_or_paged<K>(
    api: Api<K>,
    config: &Config,
    page_size: u32,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let streaming = config.clone().streaming_lists();
    let streaming = watcher::watcher(api.clone(), streaming).backoff(CappedBackoff::default());
    let paged = watcher::watcher(api, config.clone().page_size(page_size));
    streaming
        .take_while(|event| ready(!matches!(event, Err(error) if cannot_stream(error))))
        .chain(paged.backoff(CappedBackoff::default()))
}

/// Whether the API server refuses streaming lists (the feature `WatchList` is off).
fn cannot_stream(error: &watcher::Error) -> bool {
    let watcher::Error::WatchStartFailed(kube::Error::Api(status)) = error else { return false };
    matches!(status.code, 400 | 422) && status.message.contains("sendInitialEvents")
}
