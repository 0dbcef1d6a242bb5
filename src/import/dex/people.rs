//! `staticPasswords` of Dex: each becomes an `OidcUser` with the hash of its password.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    api::{LocalTenantRef, OidcUserSpec},
    import::{
        manifests::{ImportCollector, USER},
        source_field::SourceField,
    },
    protocol::identity_provider::dex_subject,
};

/// The id of the connector of static passwords.
pub(super) const LOCAL_CONNECTOR: &str = "local";

/// Adds a user for each static password. Returns whether one has a password.
pub(super) fn add_dex_people(import: &mut ImportCollector, root: &SourceField<'_>) -> bool {
    let mut has_password = false;
    for person in root.items("staticPasswords") {
        has_password |= add_person(import, &person);
    }
    has_password
}

fn add_person(import: &mut ImportCollector, person: &SourceField<'_>) -> bool {
    let email = person.text("email");
    let Some((email, user_id)) = email.zip(person.text("userID")) else {
        let message = "the user is not imported: the file lacks email or userID, from which username and subject are set";
        import.notes.add(person, message);
        return false;
    };
    let username = person.text("username");
    let name = import.unique_name(USER, &email);
    let hash = person.text("hash").and_then(|text| bcrypt_hash(&text));
    let proposed_name = format!("{name}-password");
    let reference = import.secret_entry(&proposed_name, "password", hash.as_deref());
    if hash.is_none() {
        let message = format!(
            "the password hash of {email} is not in the file; create the Secret {:?} with the entry password",
            reference.name
        );
        import.notes.add(person, message);
    }
    let known = [
        "email",
        "hash",
        "hashFromEnv",
        "username",
        "userID",
        "name",
        "preferredUsername",
        "emailVerified",
        "groups",
    ];
    import.notes.add_unknown(person, &known);
    let spec = OidcUserSpec {
        tenant_ref: LocalTenantRef { name: import.tenant.clone() },
        username: email.clone(),
        subject: Some(dex_subject(&user_id, LOCAL_CONNECTOR)),
        password_secret_ref: Some(reference),
        groups: person.texts("groups"),
        name: person.text("name").or_else(|| username.clone()),
        preferred_username: person.text("preferredUsername").or(username),
        email: Some(email),
        email_verified: Some(person.flag("emailVerified").unwrap_or(true)),
        ..OidcUserSpec::default()
    };
    import.add_user(&name, &spec);
    true
}

/// A bcrypt hash, which may be written in base64.
fn bcrypt_hash(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with("$2") {
        return Some(text.to_owned());
    }
    let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let decoded = decoded.trim();
    decoded.starts_with("$2").then(|| decoded.to_owned())
}
