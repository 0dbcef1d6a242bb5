//! The pages about passkeys, and their part of other pages.

use askama::Template;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    assets::{PageScript, script_url},
    frame::{AccountView, PageFrame, render_page},
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Tenant, Timestamp},
    protocol::{
        records::PasskeyRecord,
        user_agent::{NamedBrowser, name_browser},
        webauthn::COSE_ALGORITHMS,
    },
};

/// The form of a page that asks for a passkey. A script fills it in.
#[derive(Clone, Debug)]
pub struct PasskeyPrompt<'a> {
    /// The RP ID, which is a host name (Web Authentication level 3 §4).
    pub rp_id: &'a str,
    /// The challenge in base64url without padding.
    pub challenge: String,
    /// The challenge with its purpose and expiry, encrypted, for the form's hidden field `challenge`.
    pub sealed: String,
    /// The IDs of the credentials that are asked for, in base64url with spaces between; empty: any.
    pub credentials: String,
    /// Whether the browser offers passkeys in the field for the name.
    pub autofill: bool,
    /// The sign-in or session whose second factor is asked for.
    pub second_factor: Option<PromptedFactor<'a>>,
    /// The URL of the script.
    pub script: String,
}

/// A second factor that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PromptedFactor<'a> {
    /// The sealed sign-in that waits for it; `None` in a session.
    pub sign_in: Option<&'a str>,
}

/// The content of the page for setting up a passkey.
#[derive(Clone, Debug)]
pub struct PasskeySetupPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The person who sets up the passkey.
    pub user: &'a Account,
    /// The sentence below the heading, in the language of the request.
    pub lead: &'a str,
    /// The text for people whose browser runs no scripts.
    pub without_script: &'a str,
    /// The RP ID, which is a host name (Web Authentication level 3 §4).
    pub rp_id: &'a str,
    /// The path that the form is sent to.
    pub action: &'a str,
    /// The names and values of the hidden fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
    /// The challenge as raw bytes. The page contains it in base64url.
    pub challenge: &'a [u8],
    /// The user handle as raw bytes (`user.id`, Web Authentication level 3 §5.4.3), the same for all passkeys of a
    /// person.
    pub user_handle: &'a [u8],
    /// The credential IDs of the person's passkeys as raw bytes. Their authenticators set up no second one
    /// (`excludeCredentials`).
    pub existing: Vec<&'a [u8]>,
    /// The name in the form: the one that was typed before, or else the proposed one.
    pub name: &'a str,
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
    /// The path of the page to go back to; `None` shows no such link.
    pub back: Option<&'a str>,
}

/// The content of the page for changing a passkey.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The path that the form is sent to, and to go back to.
    pub action: &'a str,
    /// The sealed state of the account page's forms.
    pub interaction: &'a str,
    /// The passkey to rename or remove.
    pub passkey: PasskeyEntry<'a>,
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
}

/// A passkey on the account page.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyEntry<'a> {
    /// The id of the passkey in forms.
    pub id: &'a str,
    /// The stored passkey, with its name and the times of its set-up and last use.
    pub passkey: &'a PasskeyRecord,
}

/// A passkey as the account page shows it.
pub(super) struct PasskeyView<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) detail: String,
}

#[derive(Template)]
#[template(path = "pages/passkey_setup.html")]
struct PasskeySetupTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    lead: &'a str,
    without_script: &'a str,
    action: &'a str,
    hidden: &'a [(&'a str, &'a str)],
    script: String,
    rp_id: &'a str,
    challenge: String,
    user_handle: String,
    algorithms: String,
    credentials: String,
    name: &'a str,
    problem: Option<&'a str>,
    back: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/passkey.html")]
struct PasskeyTemplate<'a> {
    frame: PageFrame<'a>,
    action: &'a str,
    interaction: &'a str,
    passkey: PasskeyView<'a>,
    problem: Option<&'a str>,
}

/// Renders the page for setting up a passkey.
pub fn passkey_setup_page(page: &PasskeySetupPage) -> String {
    render_page(&PasskeySetupTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        lead: page.lead,
        without_script: page.without_script,
        action: page.action,
        hidden: page.hidden,
        script: passkey_script(page.tenant),
        rp_id: page.rp_id,
        challenge: URL_SAFE_NO_PAD.encode(page.challenge),
        user_handle: URL_SAFE_NO_PAD.encode(page.user_handle),
        algorithms: COSE_ALGORITHMS.map(|it| it.to_string()).join(" "),
        credentials: credential_ids(page.existing.iter().copied()),
        name: page.name,
        problem: page.problem,
        back: page.back,
    })
}

/// Renders the page for changing a passkey.
pub fn passkey_page(page: PasskeyPage) -> String {
    render_page(&PasskeyTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        action: page.action,
        interaction: page.interaction,
        passkey: passkey_view(&page.passkey, page.text),
        problem: page.problem,
    })
}

/// The URL of the script that asks for passkeys.
pub fn passkey_script(tenant: &Tenant) -> String {
    script_url(tenant.issuer.path(), PageScript::Passkey)
}

/// The IDs of credentials as an attribute.
pub fn credential_ids<'a>(ids: impl Iterator<Item = &'a [u8]>) -> String {
    ids.map(|id| URL_SAFE_NO_PAD.encode(id)).collect::<Vec<_>>().join(" ")
}

/// The name that is proposed for a passkey: that of the browser and its system.
pub fn proposed_passkey_name(user_agent: Option<&str>, text: &MessageCatalog) -> String {
    let named = browser_in_words(user_agent, text);
    named.unwrap_or_else(|| text.default_passkey_name().to_owned())
}

/// A browser and its system in words; `None` if neither is known.
pub(super) fn browser_in_words(user_agent: Option<&str>, text: &MessageCatalog) -> Option<String> {
    let NamedBrowser { browser, system } = name_browser(user_agent.unwrap_or_default());
    match (browser, system) {
        (Some(browser), Some(system)) => Some(text.browser_on_system(browser, system).to_string()),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, Some(system)) => Some(text.some_browser_on(system).to_string()),
        (None, None) => None,
    }
}

pub(super) fn passkey_view<'a>(entry: &PasskeyEntry<'a>, text: &MessageCatalog) -> PasskeyView<'a> {
    let PasskeyRecord { enrolled_at, used_at, backed_up, .. } = entry.passkey;
    let day = |at: &Timestamp| text.day_in_words(at.in_utc());
    let used = match (&entry.passkey.copied_at, used_at) {
        (Some(copied_at), _) => text.passkey_refused_since(&day(copied_at)).to_string(),
        (None, Some(used_at)) => text.passkey_last_used_on(&day(used_at)).to_string(),
        (None, None) => text.passkey_never_used().to_owned(),
    };
    let place =
        if *backed_up { text.passkey_on_several_devices() } else { text.passkey_on_one_device() };
    let enrolled = day(enrolled_at);
    let detail = format!("{} {used} {place}", text.passkey_set_up_on(&enrolled));
    PasskeyView { id: entry.id, name: &entry.passkey.name, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Languages;

    #[test]
    fn the_proposed_name_is_that_of_the_browser() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0";
        let languages = Languages::built_in();
        let proposed = |user_agent| proposed_passkey_name(user_agent, languages.english());
        assert_eq!(proposed(Some(firefox)), "Firefox on Linux");
        assert_eq!(proposed(Some("curl/8")), "curl");
        assert_eq!(proposed(Some("Mozilla/5.0 (X11; Linux x86_64)")), "A browser on Linux");
        assert_eq!(proposed(None), "Passkey");
    }
}
