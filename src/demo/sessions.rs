//! The demo's pending sign-ins and sessions: in memory, bounded, found by cookie.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Map, Value};

use crate::model::{Secret, Timestamp};

use super::{client::DemoClient, problem::UserinfoError, provider_http_client::ProviderMetadata};

/// Maximum number of browsers; beyond it the oldest entry is removed.
const MAX_SESSIONS: usize = 1000;
const PENDING_TTL: Duration = Duration::from_mins(15);
const SESSION_TTL: Duration = Duration::from_hours(12);

/// The session of one browser.
pub(super) enum DemoSession {
    Waiting(Box<PendingSignIn>),
    DemoTokens(Arc<DemoTokens>),
}

/// A sign-in that was sent to the provider and has no response yet.
pub(super) struct PendingSignIn {
    pub client: DemoClient,
    pub metadata: ProviderMetadata,
    pub state: String,
    pub nonce: String,
    pub verifier: Secret<String>,
}

/// A signed-in user with the tokens.
pub(super) struct DemoTokens {
    pub client: DemoClient,
    pub metadata: ProviderMetadata,
    pub id_token: Secret<String>,
    pub claims: Map<String, Value>,
    pub access_token: Secret<String>,
    pub refresh_token: Option<Secret<String>>,
    /// The granted scopes, with spaces between (RFC 6749 §3.3).
    pub scope: String,
    /// The time at which the access token expires.
    pub expires_at: Timestamp,
    /// The userinfo response, or the reason why the request failed.
    pub userinfo: Result<Map<String, Value>, UserinfoError>,
    /// Descriptions of the checks, for the page.
    pub checks: Vec<String>,
    pub refreshes: u32,
}

struct DemoSessionEntry {
    session: DemoSession,
    ends_at: Timestamp,
}

#[derive(Default)]
pub(super) struct DemoSessions(Mutex<HashMap<String, DemoSessionEntry>>);

impl DemoSessions {
    pub(super) fn put(&self, id: String, session: DemoSession, now: Timestamp) {
        let lasts = match session {
            DemoSession::Waiting(_) => PENDING_TTL,
            DemoSession::DemoTokens(_) => SESSION_TTL,
        };
        let mut entries = self.entries();
        if entries.len() >= MAX_SESSIONS && !entries.contains_key(&id) {
            entries.retain(|_, entry| entry.ends_at > now);
            let soonest = entries.iter().min_by_key(|(_, e)| e.ends_at).map(|(id, _)| id.clone());
            if let Some(soonest) = soonest.filter(|_| entries.len() >= MAX_SESSIONS) {
                entries.remove(&soonest);
            }
        }
        entries.insert(id, DemoSessionEntry { session, ends_at: now.plus(lasts) });
    }

    /// Removes and returns a pending sign-in, so a response is accepted only once.
    pub(super) fn take_waiting(&self, id: &str, now: Timestamp) -> Option<PendingSignIn> {
        let mut entries = self.entries();
        let entry = entries.get(id)?;
        if !matches!(entry.session, DemoSession::Waiting(_)) {
            return None;
        }
        match entries.remove(id)? {
            DemoSessionEntry { session: DemoSession::Waiting(waiting), ends_at }
                if ends_at > now =>
            {
                Some(*waiting)
            }
            _ => None,
        }
    }

    pub(super) fn signed_in(&self, id: &str, now: Timestamp) -> Option<Arc<DemoTokens>> {
        match self.entries().get(id)? {
            DemoSessionEntry { session: DemoSession::DemoTokens(signed_in), ends_at }
                if *ends_at > now =>
            {
                Some(Arc::clone(signed_in))
            }
            _ => None,
        }
    }

    /// Removes a session, and returns its user if one was signed in.
    pub(super) fn remove(&self, id: &str) -> Option<Arc<DemoTokens>> {
        match self.entries().remove(id)?.session {
            DemoSession::DemoTokens(signed_in) => Some(signed_in),
            DemoSession::Waiting(_) => None,
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, DemoSessionEntry>> {
        self.0.lock().expect("code that holds the lock does not panic")
    }
}
