//! The form in which a person chooses a password, on the page of an invitation and on the account page.

use aws_lc_rs::constant_time;
use serde_json::Value;

use crate::{
    http::{AppState, CookiePurpose, EndpointError, Request},
    identity::{MIN_PASSWORD_CHARS, WeakPassword, judge_new_password},
    model::{Account, Secret, Tenant, Timestamp},
    protocol::{authorize::pre_session_hash, params::RequestParams, session::CLOCK_SKEW},
};

/// The hash of the password in a form, or what is wrong with it, in words.
pub(super) async fn hash_new_password(
    (app, request): (&AppState, &Request),
    account: &Account,
    form: &RequestParams,
) -> Result<Result<String, String>, EndpointError> {
    let password = form.get("new_password").unwrap_or_default();
    let tenant = &request.tenant.tenant;
    if let Err(weak) = judge_new_password(password, about(account, tenant)) {
        return Ok(Err(weakness(&weak)));
    }
    if form.get("new_password_again") != Some(password) {
        return Ok(Err("The two passwords differ. Type the same one twice.".to_owned()));
    }
    let password = Secret::new(password.to_owned());
    let origin = (&tenant.id, request.address);
    Ok(Ok(app.passwords.hash(origin, password, &*app.accounts.entropy).await?))
}

/// Returns true if a form was made for the browser of the request, by the hash of its cookie, and has not expired.
pub(super) fn form_is_of_browser(
    (browser, expires_at): (&[u8; 32], Timestamp),
    request: &Request,
) -> bool {
    let own = request.cookie(CookiePurpose::PreSession).map(pre_session_hash);
    let is_same = |it: [u8; 32]| constant_time::verify_slices_are_equal(&it, browser).is_ok();
    own.is_some_and(is_same) && request.now < expires_at.plus(CLOCK_SKEW)
}

/// Texts that attackers know about a person.
fn about<'a>(account: &'a Account, tenant: &'a Tenant) -> impl Iterator<Item = &'a str> {
    const CLAIMS: [&str; 7] =
        ["name", "given_name", "family_name", "nickname", "email", "birthdate", "phone_number"];
    let claims = CLAIMS.iter().filter_map(|name| account.claims.get(*name).and_then(Value::as_str));
    let own = [&*account.username, &*tenant.display_name, tenant.issuer.host()];
    own.into_iter().chain(claims)
}

fn weakness(weak: &WeakPassword) -> String {
    match weak {
        WeakPassword::TooShort => {
            format!("The password is too short. It needs at least {MIN_PASSWORD_CHARS} characters.")
        }
        WeakPassword::TooLong => {
            "The password is longer than 1024 bytes. Choose a shorter one.".to_owned()
        }
        WeakPassword::Guessable(why) => format!("The password is easy to guess. {why}"),
    }
}
