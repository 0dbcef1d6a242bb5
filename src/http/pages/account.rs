//! The account page: the person's applications, what applications may do, and sessions.

mod applications;
mod pager;
mod waiting;
mod words;

use askama::Template;

pub use applications::ApplicationEntry;
pub use pager::PagePosition;
pub use waiting::WaitingRequestEntry;

use applications::{ApplicationView, application_view};
use pager::Pager;
use waiting::{WaitingRequestView, waiting_request_view};
use words::{account_source, codes_left, session_browser};

use super::{
    frame::{AccountView, PageFrame, first_letter, render_page, web_url},
    passkeys::{PasskeyEntry, PasskeyView, passkey_view},
};
use crate::{
    messages::{LanguageTag, MessageCatalog},
    model::{Account, Endpoint, ResourceServers, Tenant, Timestamp},
    protocol::{params::UI_LOCALES, records::SessionBrowser},
};

/// The content of the account page.
#[derive(Clone, Debug)]
pub struct AccountPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The resource servers, at which applications may do something.
    pub resource_servers: &'a ResourceServers,
    /// The signed-in person.
    pub user: &'a Account,
    /// The display name of the identity provider that the person has signed in at.
    pub provider: Option<&'a str>,
    /// The language that was asked for (`ui_locales`), which the links keep.
    pub requested: Option<&'a LanguageTag>,
    /// The sealed state of the forms. They are sent to `I/account`.
    pub interaction: &'a str,
    /// The notice about the change that led to this page; `None` if nothing was changed.
    pub notice: Option<&'a str>,
    /// The time of the request, from which "5 minutes ago" and the like are counted.
    pub now: Timestamp,
    /// Whether the person has an authenticator app (TOTP, RFC 6238), or can set one up.
    pub authenticator: AuthenticatorEntry,
    /// The passkeys of the person, who may have none.
    pub passkeys: Vec<PasskeyEntry<'a>>,
    /// Whether the person can set up another one.
    pub offers_passkeys: bool,
    /// The number of recovery codes that the person has not used; `None` for a person without a second factor.
    pub recovery_codes: Option<usize>,
    /// The time at which the person chose the password; `None` if the person chose none.
    pub password_since: Option<Timestamp>,
    /// The requests that wait for the person's answer.
    pub waiting: Vec<WaitingRequestEntry<'a>>,
    /// The applications that the person can open.
    pub tiles: AccountPagePart<ApplicationTile<'a>>,
    /// The applications that the person has granted permissions to, which the page can revoke.
    pub applications: AccountPagePart<ApplicationEntry<'a>>,
    /// The sessions of the person, of which the page shows a part.
    pub sessions: AccountPagePart<SessionEntry<'a>>,
}

/// The authenticator app on the account page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorEntry {
    /// The tenant offers no authenticator apps.
    Absent,
    /// The person has none and can set one up.
    Offered,
    /// The person set one up.
    SetUp {
        /// The time at which the person set it up.
        at: Timestamp,
        /// Whether it can only be replaced, because the tenant requires one.
        is_required: bool,
    },
}

/// The entries of a list that one page shows.
#[derive(Clone, Debug)]
pub struct AccountPagePart<T> {
    /// The entries of the page; empty only if the whole list is.
    pub entries: Vec<T>,
    /// The position of the page.
    pub position: PagePosition,
}

/// An application that the person can open.
#[derive(Clone, Debug)]
pub struct ApplicationTile<'a> {
    /// The name of the application.
    pub name: &'a str,
    /// The URL that the tile leads to: the start of a sign-in, or the application's home page.
    pub href: String,
    /// The logo of the application, if the page can display it.
    pub logo: Option<&'a str>,
}

/// One of the person's sessions on the account page, with a button that ends it.
#[derive(Clone, Debug)]
pub struct SessionEntry<'a> {
    /// The public id of the session.
    pub sid: &'a str,
    /// The browser of the session, if it is known.
    pub browser: Option<&'a SessionBrowser>,
    /// Whether it is the session of this browser.
    pub is_current: bool,
    /// The time at which the person signed in.
    pub signed_in_at: Timestamp,
    /// The time at which the session was last used.
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
    /// The end of the query of links within the page.
    language: String,
    interaction: &'a str,
    notice: Option<&'a str>,
    offers_authenticator: bool,
    authenticator_since: Option<String>,
    replaces_authenticator: bool,
    passkeys: Vec<PasskeyView<'a>>,
    offers_passkeys: bool,
    recovery_codes: Option<String>,
    password_since: Option<String>,
    waiting: Vec<WaitingRequestView<'a>>,
    tiles: Vec<TileView<'a>>,
    tile_pages: Pager<'a>,
    applications: Vec<ApplicationView<'a>>,
    application_pages: Pager<'a>,
    sessions: Vec<SessionView<'a>>,
    session_pages: Pager<'a>,
}

struct TileView<'a> {
    name: &'a str,
    href: Option<&'a str>,
    logo: Option<&'a str>,
    monogram: String,
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
    let text = page.text;
    let language = page.requested.map(|tag| format!("{UI_LOCALES}={tag}"));
    let path = Endpoint::Account.absolute_path(&page.tenant.issuer);
    let action = language.as_ref().map_or(path.clone(), |query| format!("{path}?{query}"));
    let language = language.map(|query| format!("&{query}")).unwrap_or_default();
    let pager = |name, list, position| Pager::new((name, &language), (list, text), position);
    render_page(&AccountTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        source: account_source(page),
        action,
        language: language.clone(),
        interaction: page.interaction,
        notice: page.notice,
        offers_authenticator: page.authenticator == AuthenticatorEntry::Offered,
        authenticator_since: match page.authenticator {
            AuthenticatorEntry::SetUp { at, .. } => Some(text.day_in_words(at.in_utc())),
            AuthenticatorEntry::Absent | AuthenticatorEntry::Offered => None,
        },
        replaces_authenticator: matches!(
            page.authenticator,
            AuthenticatorEntry::SetUp { is_required: true, .. }
        ),
        passkeys: page.passkeys.iter().map(|it| passkey_view(it, text)).collect(),
        offers_passkeys: page.offers_passkeys,
        recovery_codes: page.recovery_codes.map(|left| codes_left(text, left)),
        password_since: page.password_since.map(|at| text.day_in_words(at.in_utc())),
        waiting: page.waiting.iter().map(|it| waiting_request_view(page, it)).collect(),
        tiles: page.tiles.entries.iter().map(tile_view).collect(),
        tile_pages: pager("tiles", text.pages_of_my_applications(), page.tiles.position),
        applications: page
            .applications
            .entries
            .iter()
            .map(|it| application_view(page, it))
            .collect(),
        application_pages: pager(
            "applications",
            text.pages_of_access(),
            page.applications.position,
        ),
        sessions: page.sessions.entries.iter().map(|it| session_view(page, it)).collect(),
        session_pages: pager("sessions", text.pages_of_sessions(), page.sessions.position),
    })
}

fn tile_view<'a>(tile: &'a ApplicationTile<'a>) -> TileView<'a> {
    TileView {
        name: tile.name,
        href: web_url(Some(&tile.href)),
        logo: web_url(tile.logo),
        monogram: first_letter(tile.name),
    }
}

fn session_view<'a>(page: &AccountPage, entry: &'a SessionEntry<'a>) -> SessionView<'a> {
    let text = page.text;
    let time = text.time_in_words(entry.signed_in_at.in_utc());
    let signed_in = match (entry.provider, entry.browser.map(|it| it.address.as_str())) {
        (None, None) => text.session_began(&time),
        (None, Some(address)) => text.session_began_from(&time, address),
        (Some(provider), None) => text.session_began_with(&time, provider),
        (Some(provider), Some(address)) => text.session_began_with_from(&time, provider, address),
    };
    SessionView {
        sid: entry.sid,
        browser: session_browser(entry.browser, text),
        is_current: entry.is_current,
        signed_in: signed_in.to_string(),
        used: text.use_in_words(page.now.since(entry.used_at)),
    }
}
