//! The content of the account page.

use std::sync::Arc;

use http::StatusCode;
use url::Url;

use super::{
    EnrolledFactors,
    change_result::AccountNotice,
    logos::LogoOrigins,
    passkeys::passkey_entry,
    waiting_requests::{WaitingRequest, load_waiting_requests},
};
use crate::{
    accounts::{
        AccountContext,
        factors::{
            passkey_enrolment::can_enrol_passkeys,
            passkeys::{MAX_PASSKEYS, StoredPasskey},
            recovery_codes::count_recovery_codes,
            totp::{can_enrol, replaces_app},
        },
        grants::account_access::load_account_access,
        passwords::chosen_passwords::ChosenPassword,
        sessions::active_session::ActiveSession,
    },
    http::{
        AppState, EndpointError, Reply, Request,
        pages::{
            self, AccountPage, AccountPagePart, ApplicationEntry, ApplicationTile,
            AuthenticatorEntry, PagePosition, SessionEntry,
        },
    },
    model::{Client, Issuer, RedirectUri},
    protocol::{
        access::ClientAccessEvaluator, authorize::Interaction, params::RequestParams,
        records::Session,
    },
};

/// Most tiles of a page.
const TILES_PER_PAGE: usize = 24;
/// Most sessions of a page, and most applications that may do something.
const ENTRIES: usize = 10;

/// Renders the page. Each of its lists has a page number in the query.
pub(super) async fn show_account_page(
    app: &AppState,
    request: &Request,
    (active, enrolled): (&ActiveSession, &EnrolledFactors),
    params: &RequestParams,
) -> Result<Reply, EndpointError> {
    let context = app.context(request);
    let access = load_account_access(context, active).await?;
    let waiting = load_waiting_requests(app, request, active).await?;
    let interaction = context.seal(&Interaction::change_account(&active.session, request.now))?;
    let (tenant, mut logos) = (&request.tenant, LogoOrigins::default());
    let number = |name: &str| params.get(name).and_then(|text| text.parse().ok()).unwrap_or(1);
    let usable = usable_applications(request, active);
    let tiles = part(&usable, TILES_PER_PAGE, number("tiles"), |client| ApplicationTile {
        name: &client.name,
        href: tile_url(client, &tenant.tenant.issuer).unwrap_or_default(),
        logo: logos.logo_of(client),
    });
    let applications =
        part(&access.applications, ENTRIES, number("applications"), |it| ApplicationEntry {
            client_id: it.client.id.as_str(),
            name: &it.client.name,
            logo: verified(&it.client).and_then(|client| logos.logo_of(client)),
            unverified: unverified_uris(&it.client),
            document_host: it.client.document_host.as_deref(),
            permissions: &it.permissions,
            details: &it.details,
            granted_at: it.granted_at,
        });
    let sessions = part(&access.sessions, ENTRIES, number("sessions"), |session| {
        session_entry(request, active, session)
    });
    let provider = active.account.provider_name().and_then(|name| tenant.provider(name));
    let text = request.text();
    let html = pages::account_page(&AccountPage {
        tenant: &tenant.tenant,
        text,
        resource_servers: &tenant.resource_servers,
        user: &active.account,
        provider: provider.map(|provider| provider.display_name.as_str()),
        requested: request.language.requested_tag(),
        interaction: &interaction,
        notice: params.get("done").and_then(AccountNotice::parse).map(|it| it.in_words(text)),
        now: request.now,
        authenticator: authenticator_entry(context, enrolled),
        passkeys: enrolled.passkeys.iter().map(passkey_entry).collect(),
        offers_passkeys: can_enrol_passkeys(context) && enrolled.passkeys.len() < MAX_PASSKEYS,
        recovery_codes: recovery_codes(context, active, enrolled).await?,
        password_since: enrolled.password.as_ref().map(ChosenPassword::chosen_at),
        waiting: waiting.iter().map(WaitingRequest::entry).collect(),
        tiles,
        applications,
        sessions,
    });
    Ok(Reply::html(StatusCode::OK, html)
        .image_origins(logos.into_origins())
        .header("referrer-policy", "same-origin"))
}

/// The authenticator app of a person, or whether one can be set up.
fn authenticator_entry(
    context: AccountContext<'_>,
    enrolled: &EnrolledFactors,
) -> AuthenticatorEntry {
    match &enrolled.totp {
        Some(totp) => AuthenticatorEntry::SetUp {
            at: totp.enrolled_at(),
            is_required: replaces_app(context)
                && !enrolled.passkeys.iter().any(StoredPasskey::is_usable),
        },
        None if can_enrol(context) => AuthenticatorEntry::Offered,
        None => AuthenticatorEntry::Absent,
    }
}

/// The number of unused recovery codes, for a person with a second factor who can use them.
async fn recovery_codes(
    context: AccountContext<'_>,
    active: &ActiveSession,
    enrolled: &EnrolledFactors,
) -> Result<Option<usize>, EndpointError> {
    let has_none = enrolled.totp.is_none() && enrolled.passkeys.is_empty();
    if has_none || active.account.signs_in_by_passkey_alone() {
        return Ok(None);
    }
    Ok(Some(count_recovery_codes(context, &active.account).await?.unwrap_or_default()))
}

/// The applications that have a tile and that the person may enter, by name.
fn usable_applications<'a>(
    request: &'a Request,
    active: &'a ActiveSession,
) -> Vec<&'a Arc<Client>> {
    let tenant = &request.tenant.tenant;
    let mut evaluator =
        ClientAccessEvaluator::new(&active.account, tenant, &active.session.authentication);
    let clients = request.tenant.clients();
    let mut found: Vec<_> = clients
        .filter(|&client| tile_url(client, &tenant.issuer).is_some() && evaluator.admits(client))
        .collect();
    found.sort_by_cached_key(|client| (client.name.to_lowercase(), client.object.clone()));
    found
}

/// The application, unless it is unverified: each visit would load a logo from a stranger's host.
fn verified(client: &Client) -> Option<&Client> {
    (!client.is_unverified()).then_some(client)
}

/// The redirect URIs of an application that registered itself, whose name is unverified.
fn unverified_uris(client: &Client) -> Option<Vec<&str>> {
    client.registered.as_ref()?;
    Some(client.redirect_uris.iter().map(RedirectUri::as_str).collect())
}

/// The URL that begins a sign-in to an application (OIDC Core §4), or its home page. An application that
/// registered itself has no tile, because its name is unverified.
fn tile_url(client: &Client, issuer: &Issuer) -> Option<String> {
    if client.registered.is_some() {
        return None;
    }
    let details = &client.details;
    if let Some(uri) = details.initiate_login_uri.as_deref() {
        let mut url = Url::parse(uri).ok()?;
        url.query_pairs_mut().append_pair("iss", issuer.as_str());
        return Some(url.into());
    }
    details.client_uri.clone()
}

fn session_entry<'a>(
    request: &'a Request,
    active: &ActiveSession,
    session: &'a Session,
) -> SessionEntry<'a> {
    let origin = session.origin.as_ref();
    let provider = origin.and_then(|origin| request.tenant.provider(&origin.provider));
    SessionEntry {
        sid: &session.sid,
        browser: session.browser.as_ref(),
        is_current: session.sid == active.session.sid,
        signed_in_at: session.authentication.auth_time(),
        used_at: session.used_at,
        provider: provider.map(|provider| provider.display_name.as_str()),
    }
}

/// A page of a list. A number beyond the last page is the last page.
fn part<'a, T, U>(
    all: &'a [T],
    size: usize,
    number: usize,
    entry: impl FnMut(&'a T) -> U,
) -> AccountPagePart<U> {
    let count = all.len().div_ceil(size).max(1);
    let number = number.clamp(1, count);
    let entries = all.iter().skip((number - 1) * size).take(size).map(entry).collect();
    AccountPagePart { entries, position: PagePosition { number, count, total: all.len() } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientDetails, DynamicRegistration, fixtures};

    #[test]
    fn a_list_has_pages() {
        let all: Vec<_> = (0..25).collect();
        let page = |number| {
            let part = part(&all, 10, number, |it| *it);
            (part.entries.first().copied(), part.entries.len(), part.position.number)
        };
        assert_eq!(page(1), (Some(0), 10, 1));
        assert_eq!(page(3), (Some(20), 5, 3));
        assert_eq!(page(0), page(1));
        assert_eq!(page(usize::MAX), page(3));
        let none = part(&[] as &[u8], 10, 1, |it| *it);
        assert_eq!((none.entries.len(), none.position.count), (0, 1));
    }

    #[test]
    fn a_tile_begins_a_sign_in_or_leads_home() {
        // OIDC Core §4: the parameter iss
        let issuer = Issuer::parse("https://id.test/team").expect("canonical");
        let url = |home: Option<&str>, login: Option<&str>| {
            let details = ClientDetails {
                client_uri: home.map(str::to_owned),
                initiate_login_uri: login.map(str::to_owned),
                ..ClientDetails::default()
            };
            tile_url(&Client { details: Arc::new(details), ..fixtures::client() }, &issuer)
        };
        assert_eq!(url(None, None), None);
        assert_eq!(url(Some("https://rp.test"), None).as_deref(), Some("https://rp.test"));
        assert_eq!(
            url(Some("https://rp.test"), Some("https://rp.test/login?a=b")).as_deref(),
            Some("https://rp.test/login?a=b&iss=https%3A%2F%2Fid.test%2Fteam")
        );
    }

    #[test]
    fn an_application_that_registered_itself_has_no_tile() {
        let issuer = Issuer::parse("https://id.test/team").expect("canonical");
        let home = Some("https://rp.test".to_owned());
        let details = Arc::new(ClientDetails { client_uri: home, ..ClientDetails::default() });
        let declared = Client { details, ..fixtures::client() };
        assert!(tile_url(&declared, &issuer).is_some());
        let registered = DynamicRegistration { token_hash: None, at: None, used: true };
        let registered = Client { registered: Some(Box::new(registered)), ..declared };
        assert_eq!(tile_url(&registered, &issuer), None);
    }
}
