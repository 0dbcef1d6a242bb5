//! The account page: the person's applications, what applications may do, and sessions.

mod pager;

use std::collections::BTreeSet;

use askama::Template;

pub use pager::PagePosition;

use pager::Pager;

use super::{
    consent::scope_lines,
    frame::{AccountView, PageFrame, first_letter, redirect_host, render_page, web_url},
    passkeys::{PasskeyEntry, PasskeyView, passkey_view},
};
use crate::{
    model::{Account, Endpoint, Tenant, Timestamp},
    protocol::{records::SessionBrowser, user_agent::name_browser},
};

/// Most places of an application that registered itself.
const SHOWN_PLACES: usize = 3;

/// The content of the account page.
#[derive(Clone, Debug)]
pub struct AccountPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The person.
    pub user: &'a Account,
    /// The display name of the identity provider that the person has signed in at.
    pub provider: Option<&'a str>,
    /// The sealed state of the forms. They are sent to `I/account`.
    pub interaction: &'a str,
    /// A notice about the last change.
    pub notice: Option<&'a str>,
    /// The current time.
    pub now: Timestamp,
    /// The authenticator app.
    pub authenticator: AuthenticatorEntry,
    /// The passkeys.
    pub passkeys: Vec<PasskeyEntry<'a>>,
    /// Whether the person can set up another one.
    pub offers_passkeys: bool,
    /// The number of recovery codes that the person has not used; `None` for a person without a second factor.
    pub recovery_codes: Option<usize>,
    /// When the person chose the password; `None` for one who has not.
    pub password_since: Option<Timestamp>,
    /// The applications that the person can open.
    pub tiles: AccountPagePart<ApplicationTile<'a>>,
    /// The applications that may do something.
    pub applications: AccountPagePart<ApplicationEntry<'a>>,
    /// The sessions.
    pub sessions: AccountPagePart<SessionEntry<'a>>,
}

/// The authenticator app on the account page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorEntry {
    /// The tenant offers none.
    Absent,
    /// The person can set one up.
    Offered,
    /// The person set one up.
    SetUp {
        /// When.
        at: Timestamp,
    },
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct AccountPagePart<T> {
    /// The entries of the page.
    pub entries: Vec<T>,
    /// The position of the page.
    pub position: PagePosition,
}

/// An application that the person can open.
#[derive(Clone, Debug)]
pub struct ApplicationTile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address.
    pub href: String,
    /// Its logo, if the page can display it.
    pub logo: Option<&'a str>,
}

/// An application that may do something.
#[derive(Clone, Debug)]
pub struct ApplicationEntry<'a> {
    /// Its `client_id`.
    pub client_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its logo, if the page can display it.
    pub logo: Option<&'a str>,
    /// Its redirect URIs, if it registered itself and its name is unverified.
    pub unverified: Option<Vec<&'a str>>,
    /// Its permissions.
    pub permissions: &'a BTreeSet<String>,
    /// When it last got some of them.
    pub granted_at: Timestamp,
}

/// A session.
#[derive(Clone, Debug)]
pub struct SessionEntry<'a> {
    /// Its public id.
    pub sid: &'a str,
    /// Its browser, if it is known.
    pub browser: Option<&'a SessionBrowser>,
    /// Whether it is the session of this browser.
    pub is_current: bool,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// The display name of the identity provider that it is from.
    pub provider: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/account.html")]
struct AccountTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    source: String,
    action: String,
    interaction: &'a str,
    notice: Option<&'a str>,
    offers_authenticator: bool,
    authenticator_since: Option<String>,
    passkeys: Vec<PasskeyView<'a>>,
    offers_passkeys: bool,
    recovery_codes: Option<usize>,
    password_since: Option<String>,
    tiles: Vec<TileView<'a>>,
    tile_pages: Pager,
    applications: Vec<ApplicationView<'a>>,
    application_pages: Pager,
    sessions: Vec<SessionView<'a>>,
    session_pages: Pager,
}

struct TileView<'a> {
    name: &'a str,
    href: Option<&'a str>,
    logo: Option<&'a str>,
    monogram: String,
}

struct ApplicationView<'a> {
    client_id: &'a str,
    name: &'a str,
    logo: Option<&'a str>,
    monogram: String,
    /// The places that it leads to, if its name is unverified.
    leads_to: Option<String>,
    permissions: Vec<String>,
    since: String,
}

struct SessionView<'a> {
    sid: &'a str,
    browser: String,
    is_current: bool,
    signed_in: String,
    used: String,
}

/// Renders the account page.
pub fn account_page(page: &AccountPage) -> String {
    render_page(&AccountTemplate {
        frame: PageFrame::new(Some(page.tenant)),
        account: AccountView::from(page.user),
        source: source(page),
        action: Endpoint::Account.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        notice: page.notice,
        offers_authenticator: page.authenticator == AuthenticatorEntry::Offered,
        authenticator_since: match page.authenticator {
            AuthenticatorEntry::SetUp { at } => Some(at.day_in_words()),
            AuthenticatorEntry::Absent | AuthenticatorEntry::Offered => None,
        },
        passkeys: page.passkeys.iter().map(passkey_view).collect(),
        offers_passkeys: page.offers_passkeys,
        recovery_codes: page.recovery_codes,
        password_since: page.password_since.map(Timestamp::day_in_words),
        tiles: page.tiles.entries.iter().map(tile_view).collect(),
        tile_pages: Pager::new("tiles", "my applications", page.tiles.position),
        applications: page
            .applications
            .entries
            .iter()
            .map(|it| application_view(page, it))
            .collect(),
        application_pages: Pager::new(
            "applications",
            "applications with access",
            page.applications.position,
        ),
        sessions: page.sessions.entries.iter().map(|it| session_view(page, it)).collect(),
        session_pages: Pager::new("sessions", "sessions", page.sessions.position),
    })
}

/// Where the account comes from.
fn source(page: &AccountPage) -> String {
    match (page.provider, page.user.declared_mark()) {
        (None, _) => "Your account is managed here.".to_owned(),
        (Some(provider), None) => format!("Your account comes from {provider}."),
        (Some(provider), Some(_)) => {
            format!("Your account is managed here. You have signed in with {provider}.")
        }
    }
}

fn tile_view<'a>(tile: &'a ApplicationTile<'a>) -> TileView<'a> {
    TileView {
        name: tile.name,
        href: web_url(Some(&tile.href)),
        logo: web_url(tile.logo),
        monogram: first_letter(tile.name),
    }
}

fn application_view<'a>(
    page: &'a AccountPage,
    entry: &'a ApplicationEntry<'a>,
) -> ApplicationView<'a> {
    let lines = scope_lines(page.tenant, entry.permissions);
    ApplicationView {
        client_id: entry.client_id,
        name: entry.name,
        logo: web_url(entry.logo),
        monogram: first_letter(entry.name),
        leads_to: entry.unverified.as_deref().map(places),
        permissions: lines.into_iter().map(|line| line.title.into_owned()).collect(),
        since: entry.granted_at.day_in_words(),
    }
}

/// The places that redirect URIs lead to, each once.
fn places(redirect_uris: &[&str]) -> String {
    let mut places: Vec<String> = Vec::new();
    for place in redirect_uris.iter().map(|uri| redirect_host(uri)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.len() > SHOWN_PLACES {
        let more = places.len() - SHOWN_PLACES;
        places.truncate(SHOWN_PLACES);
        return format!("{} and {more} more", places.join(", "));
    }
    places.join(", ")
}

fn session_view<'a>(page: &AccountPage, entry: &'a SessionEntry<'a>) -> SessionView<'a> {
    let with = entry.provider.map(|provider| format!(" with {provider}"));
    let from = entry.browser.map(|browser| format!(" from {}", browser.address));
    let parts = [Some(entry.signed_in_at.in_words()), with, from];
    SessionView {
        sid: entry.sid,
        browser: browser_in_words(entry.browser),
        is_current: entry.is_current,
        signed_in: format!("Signed in {}", parts.into_iter().flatten().collect::<String>()),
        used: used_in_words(entry.used_at, page.now),
    }
}

fn browser_in_words(browser: Option<&SessionBrowser>) -> String {
    let user_agent = browser.and_then(|browser| browser.user_agent.as_deref());
    let named = name_browser(user_agent.unwrap_or_default());
    named.in_words().unwrap_or_else(|| "Unknown browser".to_owned())
}

/// Uses are stored once a minute.
fn used_in_words(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.since(at).as_secs() / 60;
    let ago = |number: u64, unit: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("Last used {number} {unit}{plural} ago")
    };
    match minutes {
        0..2 => "Used just now".to_owned(),
        2..60 => ago(minutes, "minute"),
        60..1440 => ago(minutes / 60, "hour"),
        _ => ago(minutes / 1440, "day"),
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    #[test]
    fn sessions_are_told_in_words() {
        let now = Timestamp::from_secs(1_900_000_000);
        let used = |secs| used_in_words(now.minus(Duration::from_secs(secs)), now);
        assert_eq!(used(0), "Used just now");
        assert_eq!(used(180), "Last used 3 minutes ago");
        assert_eq!(used(3_700), "Last used 1 hour ago");
        assert_eq!(used(200_000), "Last used 2 days ago");
        let browser = |text| SessionBrowser::new(Some(text), Ipv4Addr::LOCALHOST.to_string());
        assert_eq!(browser_in_words(None), "Unknown browser");
        let firefox = browser("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0");
        assert_eq!(browser_in_words(Some(&firefox)), "Firefox on Linux");
        assert_eq!(browser_in_words(Some(&browser("curl/8"))), "curl");
    }

    #[test]
    fn the_places_of_redirect_uris_are_few() {
        assert_eq!(places(&["https://a.test/1", "https://a.test/2", "app:/cb"]), "a.test, app");
        let many = ["https://a.test", "https://b.test", "https://c.test", "https://d.test"];
        assert_eq!(places(&many), "a.test, b.test, c.test and 1 more");
    }
}
