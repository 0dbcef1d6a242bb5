//! The client and user of a request, for its access line, and whose fault an error is.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// The client and user of a request, as far as they became known. The last value of each is logged:
/// after a sign-in, that is the new user of the browser.
#[derive(Debug, Default)]
pub struct AccessFacts {
    client: Mutex<Option<String>>,
    user: Mutex<Option<String>>,
    is_fault_of_provider: AtomicBool,
}

impl AccessFacts {
    /// Records the client: `namespace/name` of its `OidcClient`, or the URL of its metadata document.
    pub fn record_client(&self, client: &impl ToString) {
        set(&self.client, client.to_string());
    }

    /// Records the user by the subject, not by a name.
    pub fn record_user(&self, subject: &str) {
        set(&self.user, subject.to_owned());
    }

    /// Records that an identity provider did not answer, or not as expected.
    pub fn record_fault_of_provider(&self) {
        self.is_fault_of_provider.store(true, Ordering::Relaxed);
    }

    /// Returns true if an identity provider did not answer, or not as expected.
    pub fn is_fault_of_provider(&self) -> bool {
        self.is_fault_of_provider.load(Ordering::Relaxed)
    }

    /// The client, if it is known.
    pub fn client(&self) -> Option<String> {
        get(&self.client)
    }

    /// The user's subject, if it is known.
    pub fn user(&self) -> Option<String> {
        get(&self.user)
    }
}

fn set(fact: &Mutex<Option<String>>, value: String) {
    *fact.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
}

fn get(fact: &Mutex<Option<String>>) -> Option<String> {
    fact.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
