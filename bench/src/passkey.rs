//! A passkey of a worker's user: it answers the pages that ask for one.

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use scraper::{Html, Selector};
use url::Url;

use crate::form::Form;

#[path = "../../tests/support/soft_authenticator.rs"]
#[expect(dead_code, reason = "the tests change what an authenticator says")]
mod soft_authenticator;

use soft_authenticator::SoftPasskey;

/// The mark of a form that a script fills in.
const FORM: &str = "form#passkey";

/// Returns true if a page asks for a passkey.
pub fn asks_for_passkey(page: &str) -> bool {
    page.contains("id=\"passkey\"")
}

/// A passkey in software, for the forms of Lanyard's pages.
pub struct BenchPasskey(SoftPasskey);

impl BenchPasskey {
    /// Makes a passkey for a page that sets one up, and fills in its form.
    ///
    /// # Errors
    ///
    /// The page sets up no passkey.
    pub fn create(page: &str, url: &Url) -> Result<(Self, Form)> {
        let origin = url.origin().ascii_serialization();
        let mut passkey = SoftPasskey::new(&origin, &attribute(page, "data-rp-id")?);
        passkey.user_handle = bytes(page, "data-user-handle")?;
        let created = passkey.create(&bytes(page, "data-challenge")?);
        let fields = [
            ("client_data", created.client_data),
            ("attestation_object", created.attestation_object),
        ];
        Ok((Self(passkey), filled(page, url, &fields)?))
    }

    /// Fills in the form of a page that asks for the passkey.
    ///
    /// # Errors
    ///
    /// The page asks for no passkey.
    pub fn answer(&mut self, page: &str, url: &Url) -> Result<Form> {
        let used = self.0.get(&bytes(page, "data-challenge")?);
        let fields = [
            ("credential_id", self.0.id.clone()),
            ("user_handle", self.0.user_handle.clone()),
            ("client_data", used.client_data),
            ("authenticator_data", used.authenticator_data),
            ("signature", used.signature),
        ];
        filled(page, url, &fields)
    }
}

fn filled(page: &str, url: &Url, fields: &[(&str, Vec<u8>)]) -> Result<Form> {
    let mut form = Form::select(page, url, FORM)?;
    for (name, bytes) in fields {
        form.fields.retain(|(other, _)| other != name);
        form.fields.push(((*name).to_owned(), BASE64_URL_SAFE_NO_PAD.encode(bytes)));
    }
    Ok(form)
}

fn bytes(page: &str, name: &str) -> Result<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(attribute(page, name)?).context("base64url")
}

fn attribute(page: &str, name: &str) -> Result<String> {
    let form = Selector::parse(FORM).expect("a selector of this program is well formed");
    let html = Html::parse_document(page);
    let found = html.select(&form).next().and_then(|form| form.attr(name).map(str::to_owned));
    found.with_context(|| format!("the page asks for no passkey: {name} is missing"))
}
