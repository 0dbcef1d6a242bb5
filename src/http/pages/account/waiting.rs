//! The requests over the backchannel that wait for the person (CIBA Core §8).

use std::collections::BTreeSet;

use super::AccountPage;
use crate::{
    http::pages::{frame::first_letter, permissions::permission_titles},
    model::Timestamp,
};

/// A request over the backchannel that waits for the person's answer.
#[derive(Clone, Debug)]
pub struct WaitingRequestEntry<'a> {
    /// The id of the request in forms.
    pub id: &'a str,
    /// The name of the application.
    pub application: &'a str,
    /// The message that the person compares with that of the other device (`binding_message`, CIBA Core §7.1).
    pub binding_message: Option<&'a str>,
    /// The permissions that it asks for.
    pub permissions: &'a BTreeSet<String>,
    /// The time at which the application sent the request.
    pub requested_at: Timestamp,
    /// The IP address that the application sent the request from.
    pub address: &'a str,
}

/// A waiting request as the page shows it.
pub(super) struct WaitingRequestView<'a> {
    pub(super) id: &'a str,
    pub(super) application: &'a str,
    pub(super) monogram: String,
    pub(super) message: Option<&'a str>,
    pub(super) permissions: Vec<String>,
    pub(super) asked: String,
}

/// Puts an entry in words.
pub(super) fn waiting_request_view<'a>(
    page: &'a AccountPage,
    entry: &WaitingRequestEntry<'a>,
) -> WaitingRequestView<'a> {
    let time = page.text.time_in_words(entry.requested_at.in_utc());
    let (places, servers) = ((page.tenant, page.text), page.resource_servers);
    WaitingRequestView {
        id: entry.id,
        application: entry.application,
        monogram: first_letter(entry.application),
        message: entry.binding_message,
        permissions: permission_titles(places, servers, entry.permissions),
        asked: page.text.request_asked(&time, entry.address).to_string(),
    }
}
