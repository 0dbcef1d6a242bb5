//! Documents of clients that are fetched again and again, kept for as long as they say, briefly.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    fetch::{Fetch, FetchError},
    model::Timestamp,
};

/// Documents that are kept: 8 MiB at most.
const MOST: usize = 256;
/// The longest that one is kept.
const LONGEST: Duration = Duration::from_mins(10);

/// A small cache.
#[derive(Debug, Default)]
pub struct Documents {
    kept: Mutex<HashMap<String, (Bytes, Timestamp)>>,
}

impl Documents {
    /// A document of at most `limit` bytes.
    pub(super) async fn get(
        &self,
        fetch: &dyn Fetch,
        url: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Bytes, FetchError> {
        if let Some(kept) = self.find(url, now) {
            return Ok(kept);
        }
        let fetched = fetch.get(url, limit).await?;
        // A URL whose fragment is the content's hash changes with its content (OIDC Core §6.2).
        let named = if url.contains('#') { LONGEST } else { Duration::ZERO };
        let until = now.plus(fetched.max_age.unwrap_or(named).min(LONGEST));
        if until > now {
            self.keep(url, fetched.body.clone(), until, now);
        }
        Ok(fetched.body)
    }

    fn find(&self, url: &str, now: Timestamp) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(url).filter(|(_, until)| now < *until).map(|(body, _)| body.clone())
    }

    fn keep(&self, url: &str, body: Bytes, until: Timestamp, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, until)| now < *until);
        if kept.len() < MOST {
            kept.insert(url.to_owned(), (body, until));
        }
    }
}
