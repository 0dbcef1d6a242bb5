//! A user's claims by their wire names (OIDC Core §5.1): standard claims from their fields, and
//! custom ones.

use serde_json::{Map, Value, json};

use super::time;
use crate::{
    api::{OidcUserSpec, PostalAddress},
    model::is_email_address,
    registry::validate::{ProblemList, claim_names, link},
};

/// Maximum size of custom claims in bytes of JSON. Every token that requests them contains them.
const MAX_CLAIMS_BYTES: usize = 16 * 1024;

/// Validates the claims. The result contains no null.
pub fn check_user_claims(problems: &mut ProblemList, spec: &OidcUserSpec) -> Map<String, Value> {
    let mut claims = free(problems, &spec.claims);
    forms(problems, spec);
    let texts = [
        ("name", &spec.name),
        ("given_name", &spec.given_name),
        ("family_name", &spec.family_name),
        ("middle_name", &spec.middle_name),
        ("nickname", &spec.nickname),
        ("profile", &spec.profile),
        ("picture", &spec.picture),
        ("website", &spec.website),
        ("email", &spec.email),
        ("gender", &spec.gender),
        ("birthdate", &spec.birthdate),
        ("zoneinfo", &spec.zoneinfo),
        ("locale", &spec.locale),
        ("phone_number", &spec.phone_number),
    ];
    for (name, value) in texts {
        claims.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
    }
    let preferred = spec.preferred_username.as_ref().unwrap_or(&spec.username);
    claims.insert("preferred_username".to_owned(), json!(preferred));
    for (name, of, verified) in [
        ("email_verified", &spec.email, spec.email_verified),
        ("phone_number_verified", &spec.phone_number, spec.phone_number_verified),
    ] {
        if let Some(verified) = verified.filter(|_| of.is_some()) {
            claims.insert(name.to_owned(), json!(verified));
        }
    }
    if let Some(address) = &spec.address {
        claims.insert("address".to_owned(), Value::Object(postal(address)));
    }
    let updated = time::check_time(problems, "spec.updatedAt", spec.updated_at.as_ref());
    if let Some(updated) = updated {
        claims.insert("updated_at".to_owned(), json!(updated.secs()));
    }
    claims
}

fn free(problems: &mut ProblemList, written: &Map<String, Value>) -> Map<String, Value> {
    for (name, value) in written {
        let field = format!("spec.claims.{name}");
        if let Some(message) = claim_names::claim_name_refusal(name) {
            problems.invalid(field, message);
        } else if claim_names::STANDARD_CLAIMS.contains(&name.as_str()) {
            problems.invalid(field, "is a standard claim; set its field in spec instead");
        } else if value.is_null() {
            problems.invalid(field, "must not be null; remove it");
        }
    }
    if serde_json::to_vec(written).is_ok_and(|json| json.len() > MAX_CLAIMS_BYTES) {
        problems.invalid("spec.claims", "must not exceed 16 KiB of JSON");
    }
    written.clone()
}

/// Validates the formats of standard claims.
fn forms(problems: &mut ProblemList, spec: &OidcUserSpec) {
    for (name, url) in
        [("profile", &spec.profile), ("picture", &spec.picture), ("website", &spec.website)]
    {
        link(problems, &format!("spec.{name}"), url.as_deref(), &["https", "http"]);
    }
    let mut form = |name: &str, value: &Option<String>, good: fn(&str) -> bool, message: &str| {
        if value.as_deref().is_some_and(|value| !good(value)) {
            problems.invalid(format!("spec.{name}"), message);
        }
    };
    form(
        "email",
        &spec.email,
        is_email_address,
        "must be an e-mail address, such as ada@example.com",
    );
    let message = "must be a date: YYYY-MM-DD, 0000-MM-DD without the year, or YYYY";
    form("birthdate", &spec.birthdate, is_birthdate, message);
    let message = "must be a telephone number that starts with + and the country code";
    form("phoneNumber", &spec.phone_number, is_phone_number, message);
    let message = "must be an IANA time zone, such as Europe/Paris";
    form("zoneinfo", &spec.zoneinfo, is_zone, message);
    let message = "must be a language tag, such as fr-CA";
    form("locale", &spec.locale, is_locale, message);
}

/// ISO 8601-1, as restricted by OIDC Core §5.1.
fn is_birthdate(text: &str) -> bool {
    let is_date = |text: &str| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    match text.strip_prefix("0000-") {
        // A date without a year is checked in a leap year, so that 29 February is valid.
        Some(day) => is_date(&format!("2000-{day}")),
        None => is_date(text) || (text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())),
    }
}

/// E.164, with the separators and the extension that OIDC Core §5.1 allows (RFC 3966).
fn is_phone_number(text: &str) -> bool {
    let (number, extension) = text.split_once(";ext=").unwrap_or((text, "0"));
    let Some(number) = number.strip_prefix('+') else { return false };
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let separates = |b: u8| b.is_ascii_digit() || b" ()-.".contains(&b);
    (3..=15).contains(&digits)
        && number.bytes().all(separates)
        && !extension.is_empty()
        && extension.bytes().all(|b| b.is_ascii_digit())
}

fn is_zone(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
}

/// RFC 5646, simplified. OIDC Core §5.1 also allows underscores.
fn is_locale(text: &str) -> bool {
    text.split(['-', '_']).all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// The claim `address` (OIDC Core §5.1.1).
fn postal(address: &PostalAddress) -> Map<String, Value> {
    [
        ("formatted", &address.formatted),
        ("street_address", &address.street_address),
        ("locality", &address.locality),
        ("region", &address.region),
        ("postal_code", &address.postal_code),
        ("country", &address.country),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_form(form: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form(text), "{text}");
        }
        for text in bad {
            assert!(!form(text), "{text}");
        }
    }

    #[test]
    fn validates_the_formats_of_standard_claims() {
        check_form(
            is_email_address,
            &["ada@example.com", "a+b@x.co", "o'neil@localhost"],
            &["ada", "@x.co", "ada@", "a b@x.co", "a@b@x.co", "ada@x..co", "<ada@x.co>"],
        );
        check_form(
            is_birthdate,
            &["1815-12-10", "0000-02-29", "1815", "2000-02-29"],
            &["1815-13-10", "0000-00-00", "10.12.1815", "1815-2-1", "18151210", "1900-02-29", ""],
        );
        check_form(
            is_phone_number,
            &["+33123456789", "+1 (425) 555-1212", "+1 (604) 555-1234;ext=5678"],
            &["0123", "+", "+12", "+33x", "+1 425;ext=", "+1234567890123456"],
        );
        check_form(is_zone, &["Europe/Paris", "Etc/GMT+1", "UTC"], &["/etc", "Europe Paris", ""]);
        let locales = ["fr-CA", "en", "zh-Hant-TW", "en_US"];
        check_form(is_locale, &locales, &["", "fr-", "français", "123456789"]);
    }
}
