//! Who is in the middle of signing in, and who has: by cookie, bounded, in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Map, Value};

use crate::model::{Secret, Timestamp};

use super::{backchannel::ProviderMetadata, client::DemoClient};

/// Browsers remembered; beyond, the oldest is forgotten.
const MAX_SESSIONS: usize = 1000;
const PENDING_TTL: Duration = Duration::from_mins(15);
const SESSION_TTL: Duration = Duration::from_hours(12);

/// One browser's.
pub(super) enum DemoSession {
    Waiting(Box<PendingSignIn>),
    SignedIn(Arc<SignedIn>),
}

/// Sent to the provider, not back yet.
pub(super) struct PendingSignIn {
    pub client: DemoClient,
    pub metadata: ProviderMetadata,
    pub state: String,
    pub nonce: String,
    pub verifier: Secret<String>,
}

/// Signed in, with what came of it.
pub(super) struct SignedIn {
    pub client: DemoClient,
    pub metadata: ProviderMetadata,
    pub id_token: Secret<String>,
    pub claims: Map<String, Value>,
    pub access_token: Secret<String>,
    pub refresh_token: Option<Secret<String>>,
    /// Scopes granted.
    pub scope: String,
    /// Of the access token.
    pub expires_at: Timestamp,
    /// The answer of the userinfo endpoint, or why there is none.
    pub userinfo: Result<Map<String, Value>, String>,
    /// What was checked, for people to read.
    pub checks: Vec<String>,
    pub refreshes: u32,
}

struct Entry {
    sitting: DemoSession,
    ends_at: Timestamp,
}

#[derive(Default)]
pub(super) struct DemoSessions(Mutex<HashMap<String, Entry>>);

impl DemoSessions {
    pub(super) fn put(&self, id: String, sitting: DemoSession, now: Timestamp) {
        let lasts = match sitting {
            DemoSession::Waiting(_) => PENDING_TTL,
            DemoSession::SignedIn(_) => SESSION_TTL,
        };
        let mut entries = self.entries();
        if entries.len() >= MAX_SESSIONS && !entries.contains_key(&id) {
            entries.retain(|_, entry| entry.ends_at > now);
            let soonest = entries.iter().min_by_key(|(_, e)| e.ends_at).map(|(id, _)| id.clone());
            if let Some(soonest) = soonest.filter(|_| entries.len() >= MAX_SESSIONS) {
                entries.remove(&soonest);
            }
        }
        entries.insert(id, Entry { sitting, ends_at: now.plus(lasts) });
    }

    /// Takes who is waiting: an answer is heard once.
    pub(super) fn take_waiting(&self, id: &str, now: Timestamp) -> Option<PendingSignIn> {
        let mut entries = self.entries();
        let entry = entries.get(id)?;
        if !matches!(entry.sitting, DemoSession::Waiting(_)) {
            return None;
        }
        match entries.remove(id)? {
            Entry { sitting: DemoSession::Waiting(waiting), ends_at } if ends_at > now => {
                Some(*waiting)
            }
            _ => None,
        }
    }

    pub(super) fn signed_in(&self, id: &str, now: Timestamp) -> Option<Arc<SignedIn>> {
        match self.entries().get(id)? {
            Entry { sitting: DemoSession::SignedIn(signed_in), ends_at } if *ends_at > now => {
                Some(Arc::clone(signed_in))
            }
            _ => None,
        }
    }

    /// Forgets; gives who was signed in.
    pub(super) fn remove(&self, id: &str) -> Option<Arc<SignedIn>> {
        match self.entries().remove(id)?.sitting {
            DemoSession::SignedIn(signed_in) => Some(signed_in),
            DemoSession::Waiting(_) => None,
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().expect("no holder of the lock panics")
    }
}
