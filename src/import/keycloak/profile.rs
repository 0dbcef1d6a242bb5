//! Attributes of users, as far as they are claims.

use serde_json::{Value, json};

use super::scopes::RealmScopes;
use crate::{
    api::OidcUserSpec,
    import::{manifests::ImportCollector, source_field::SourceField},
};

/// Attributes that a user federation or Keycloak itself keeps.
const INTERNAL: [&str; 8] = [
    "LDAP_ID",
    "LDAP_ENTRY_DN",
    "createTimestamp",
    "modifyTimestamp",
    "terms_and_conditions",
    "fedNotBefore",
    "kc.email.pending",
    "is_temporary_admin",
];

/// Claims that have a field of their own, or that the protocol sets.
const OTHER_CLAIMS: [&str; 30] = [
    "acr",
    "active",
    "address",
    "amr",
    "aud",
    "auth_time",
    "azp",
    "client_id",
    "email",
    "email_verified",
    "exp",
    "family_name",
    "given_name",
    "groups",
    "iat",
    "iss",
    "jti",
    "name",
    "nonce",
    "phone_number_verified",
    "preferred_username",
    "scope",
    "sid",
    "sub",
    "tenant_name",
    "tenant_sub",
    "token_type",
    "typ",
    "updated_at",
    "cnf",
];

/// Sets the claims that attributes give.
pub(super) fn set_claims(
    import: &mut ImportCollector,
    spec: &mut OidcUserSpec,
    person: &SourceField<'_>,
    scopes: &RealmScopes,
) {
    for attribute in person.get("attributes").members() {
        let name = attribute.pointer.rsplit('/').next().unwrap_or_default().to_owned();
        if INTERNAL.contains(&name.as_str()) {
            continue;
        }
        let texts: Vec<&str> = match attribute.value {
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::String(text) => vec![text],
            _ => Vec::new(),
        };
        let texts: Vec<&str> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
        let Some(first) = texts.first() else { continue };
        let is_set = match standard_field(spec, &name) {
            Some(field) => {
                let fits = fits_claim(&name, first);
                if fits {
                    *field = Some((*first).to_owned());
                }
                fits
            }
            None => set_custom(spec, &name, &texts, scopes),
        };
        if !is_set {
            import.notes.add(&attribute, "the attribute is not imported: no claim fits");
        }
    }
}

/// The field of a standard claim, by the name of the attribute.
fn standard_field<'s>(spec: &'s mut OidcUserSpec, name: &str) -> Option<&'s mut Option<String>> {
    Some(match name {
        "phoneNumber" | "phone_number" => &mut spec.phone_number,
        "middleName" | "middle_name" => &mut spec.middle_name,
        "nickname" => &mut spec.nickname,
        "profile" => &mut spec.profile,
        "picture" => &mut spec.picture,
        "website" => &mut spec.website,
        "gender" => &mut spec.gender,
        "birthdate" => &mut spec.birthdate,
        "zoneinfo" => &mut spec.zoneinfo,
        "locale" => &mut spec.locale,
        _ => return None,
    })
}

/// Whether a text has the form of a standard claim.
fn fits_claim(name: &str, text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match name {
        "profile" | "picture" | "website" => {
            url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
                && text.is_ascii()
                && text.len() <= 512
        }
        "phoneNumber" | "phone_number" => {
            text.starts_with('+')
                && (3..=15).contains(&digits)
                && text[1..].bytes().all(|b| b.is_ascii_digit() || b" ()-.".contains(&b))
        }
        "birthdate" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "zoneinfo" => {
            text.len() <= 64
                && text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
        }
        "locale" => {
            text.len() <= 35
                && text.split(['-', '_']).all(|part| {
                    (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
                })
        }
        "gender" => text.len() <= 64,
        _ => text.chars().count() <= 256,
    }
}

/// Sets a claim that a scope of the tenant grants.
fn set_custom(spec: &mut OidcUserSpec, name: &str, texts: &[&str], scopes: &RealmScopes) -> bool {
    let claim = scopes.claims.get(name).filter(|claim| !OTHER_CLAIMS.contains(&claim.as_str()));
    let Some(claim) = claim else { return false };
    let value = match texts {
        [one] => json!(one),
        several => json!(several),
    };
    spec.claims.insert(claim.clone(), value);
    true
}
