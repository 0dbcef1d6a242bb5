//! Parts of the account page in words.

use super::AccountPage;
use crate::{
    http::pages::{frame::redirect_host, passkeys::browser_in_words},
    messages::MessageCatalog,
    protocol::records::SessionBrowser,
};

/// Most places of an application that registered itself.
const MAX_SHOWN_PLACES: usize = 3;

/// Where the account comes from.
pub(super) fn account_source(page: &AccountPage) -> String {
    let text = page.text;
    match (page.provider, page.user.declared_mark()) {
        (None, _) => text.account_managed_here().to_owned(),
        (Some(provider), None) => text.account_from_provider(provider).to_string(),
        (Some(provider), Some(_)) => text.account_here_by_provider(provider).to_string(),
    }
}

/// The places that redirect URIs lead to, each once.
pub(super) fn redirect_places(redirect_uris: &[&str], text: &MessageCatalog) -> String {
    let mut places: Vec<String> = Vec::new();
    for place in redirect_uris.iter().map(|uri| redirect_host(uri)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.len() > MAX_SHOWN_PLACES {
        let more = (places.len() - MAX_SHOWN_PLACES) as u64;
        places.truncate(MAX_SHOWN_PLACES);
        return text.places_and_more(&places.join(", "), more).to_string();
    }
    places.join(", ")
}

/// The browser of a session.
pub(super) fn session_browser(browser: Option<&SessionBrowser>, text: &MessageCatalog) -> String {
    let user_agent = browser.and_then(|browser| browser.user_agent.as_deref());
    browser_in_words(user_agent, text).unwrap_or_else(|| text.unknown_browser().to_owned())
}

/// The number of recovery codes that are left.
pub(super) fn codes_left(text: &MessageCatalog, left: usize) -> String {
    match left {
        0 => text.no_codes_left().to_owned(),
        left => text.codes_left(left as u64).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::messages::Languages;

    #[test]
    fn browsers_are_described_in_words() {
        let languages = Languages::built_in();
        let words =
            |browser: Option<&SessionBrowser>| session_browser(browser, languages.english());
        let browser = |text| SessionBrowser::new(Some(text), Ipv4Addr::LOCALHOST.to_string());
        assert_eq!(words(None), "Unknown browser");
        let firefox = browser("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0");
        assert_eq!(words(Some(&firefox)), "Firefox on Linux");
        assert_eq!(words(Some(&browser("curl/8"))), "curl");
    }

    #[test]
    fn the_places_of_redirect_uris_are_few() {
        let languages = Languages::built_in();
        let places = |uris: &[&str]| redirect_places(uris, languages.english());
        assert_eq!(places(&["https://a.test/1", "https://a.test/2", "app:/cb"]), "a.test, app");
        let many = ["https://a.test", "https://b.test", "https://c.test", "https://d.test"];
        assert_eq!(places(&many), "a.test, b.test, c.test and 1 more");
    }
}
