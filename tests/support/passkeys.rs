//! A person with a passkey for the tests: the pages about passkeys, answered by a software authenticator.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use super::{
    browser::{Browser, Form, Page},
    soft_authenticator::{Created, SoftPasskey, Used},
};

/// The form that a script would fill in. It is `None` on a page that asks for no passkey.
pub fn passkey_form(page: &Page) -> Option<Form> {
    let at = page.body.find("id=\"passkey\"")?;
    let from = page.body[..at].rfind("<form")?;
    let only = Page {
        url: page.url.clone(),
        status: page.status,
        headers: page.headers.clone(),
        body: page.body[from..].to_owned(),
        left_for: None,
    };
    Some(only.form(""))
}

/// The value of a `data-` attribute for the script.
pub fn script_data(page: &Page, name: &str) -> String {
    let mark = format!(" data-{name}=\"");
    let from = page.body.find(&mark).unwrap_or_else(|| panic!("{name}: {}", page.body));
    let rest = &page.body[from + mark.len()..];
    rest[..rest.find('"').expect("its end")].to_owned()
}

/// The bytes of a `data-` attribute.
pub fn script_bytes(page: &Page, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(script_data(page, name)).expect("base64url")
}

/// A new passkey for the site and the person of a page for setting up one.
pub fn new_passkey(page: &Page) -> SoftPasskey {
    let origin = Url::parse(page.url.as_str()).expect("a URL").origin().ascii_serialization();
    let mut passkey = SoftPasskey::new(&origin, &script_data(page, "rp-id"));
    passkey.user_handle = script_bytes(page, "user-handle");
    passkey
}

/// Sends what an authenticator has made.
pub async fn confirm_passkey(browser: &Browser, page: &Page, created: &Created) -> Page {
    let Created { client_data, attestation_object } = created;
    let form = passkey_form(page).expect("a form");
    let encoded = [client_data, attestation_object].map(|it| URL_SAFE_NO_PAD.encode(it));
    let fields = [("client_data", &*encoded[0]), ("attestation_object", &*encoded[1])];
    browser.submit(&form, &fields).await
}

/// The page for setting up a passkey.
pub async fn open_setup(browser: &Browser, account_url: &str) -> Page {
    let page = browser.open(&format!("{account_url}?setup=passkey")).await;
    assert!(page.body.contains("Create the passkey"), "{} {}", page.status, page.body);
    page
}

/// Sets up a passkey on the account page with this URL, and returns it with the page after that.
pub async fn set_up_passkey(browser: &Browser, account_url: &str) -> (SoftPasskey, Page) {
    let page = open_setup(browser, account_url).await;
    let passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(browser, &page, &created).await;
    assert!(page.body.contains("The passkey is set up."), "{} {}", page.status, page.body);
    (passkey, page)
}

/// Answers a page with a passkey.
pub async fn use_passkey(browser: &Browser, page: &Page, passkey: &mut SoftPasskey) -> Page {
    let used = passkey.get(&script_bytes(page, "challenge"));
    send_answer(browser, page, passkey, &used).await
}

/// Sends an answer to the challenge of a page that asks for a passkey; returns the next page.
pub async fn send_answer(
    browser: &Browser,
    page: &Page,
    passkey: &SoftPasskey,
    used: &Used,
) -> Page {
    let form = passkey_form(page).expect("a form");
    let fields = [
        ("credential_id", &passkey.id),
        ("user_handle", &passkey.user_handle),
        ("client_data", &used.client_data),
        ("authenticator_data", &used.authenticator_data),
        ("signature", &used.signature),
    ];
    let encoded = fields.map(|(name, bytes)| (name, URL_SAFE_NO_PAD.encode(bytes)));
    let fields: Vec<_> = encoded.iter().map(|(name, text)| (*name, text.as_str())).collect();
    browser.submit(&form, &fields).await
}
