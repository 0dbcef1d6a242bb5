//! Password hashes: Keycloak's JSON becomes PHC text.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde_json::Value;

use crate::import::source_field::SourceField;

/// A credential of a user.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ImportedCredential {
    /// A password as a PHC string.
    Password(String),
    /// A second factor, without which the password is not enough, with what becomes of it.
    SecondFactor(String),
    /// Something else, with the reason.
    NotCarried(String),
}

/// Converts a credential. Only a permanent password whose hash is supported is imported.
pub(super) fn convert_credential(credential: &SourceField<'_>) -> ImportedCredential {
    let not_carried = |reason: &str| ImportedCredential::NotCarried(reason.to_owned());
    let second_factor = |text: &str| ImportedCredential::SecondFactor(text.to_owned());
    match credential.text("type").as_deref() {
        Some("password") => {}
        Some("otp") => {
            return second_factor("the one-time password is not imported: enrol another");
        }
        Some("webauthn") => return second_factor("the passkey is not imported: enrol another"),
        // It replaces the password, which signs in as well.
        Some("webauthn-passwordless") => {
            return not_carried("the passkey is not imported: enrol another");
        }
        Some(other) => return second_factor(&format!("the credential {other:?} is not imported")),
        None => return second_factor("a credential without a type is not imported"),
    }
    if credential.is_set("temporary") {
        return not_carried(
            "the password is not imported, because it is temporary; invite the person (invitation of the OidcUser)",
        );
    }
    let parse =
        |name: &str| -> Option<Value> { serde_json::from_str(&credential.text(name)?).ok() };
    let Some((data, secret)) = parse("credentialData").zip(parse("secretData")) else {
        return not_carried(
            "the password is not imported: credentialData or secretData is not JSON",
        );
    };
    let algorithm = data["algorithm"].as_str().unwrap_or_default();
    let parts = unpadded(&secret["salt"]).zip(unpadded(&secret["value"]));
    let Some(((salt, _), (hash, length))) = parts else {
        return not_carried("the password is not imported: salt or value is not base64");
    };
    let rounds = data["hashIterations"].as_u64().unwrap_or_default();
    match algorithm {
        "pbkdf2-sha256" | "pbkdf2-sha512" => ImportedCredential::Password(format!(
            "${algorithm}$i={rounds},l={length}${salt}${hash}"
        )),
        "argon2" => match argon2_parameters(&data, rounds) {
            Some(parameters) => {
                ImportedCredential::Password(format!("${parameters}${salt}${hash}"))
            }
            None => not_carried("the password is not imported: its argon2 parameters are unknown"),
        },
        other => ImportedCredential::NotCarried(format!(
            "the password is not imported: {other:?} is not supported; the person needs a new one"
        )),
    }
}

/// Base64 without padding, and the number of bytes.
fn unpadded(value: &Value) -> Option<(String, usize)> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    (!bytes.is_empty()).then(|| (STANDARD_NO_PAD.encode(&bytes), bytes.len()))
}

/// The scheme, version and parameters of argon2.
fn argon2_parameters(data: &Value, passes: u64) -> Option<String> {
    let parameters = &data["additionalParameters"];
    let text = |name: &str| parameters[name][0].as_str();
    let scheme = match text("type")? {
        "id" => "argon2id",
        "i" => "argon2i",
        _ => return None,
    };
    let version = match text("version")? {
        "1.3" => 19,
        "1.0" => 16,
        _ => return None,
    };
    let memory: u64 = text("memory")?.parse().ok()?;
    let lanes: u64 = text("parallelism")?.parse().ok()?;
    Some(format!("{scheme}$v={version}$m={memory},t={passes},p={lanes}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn convert(algorithm: &str, additional: &Value) -> ImportedCredential {
        let data = json!({
            "hashIterations": 5, "algorithm": algorithm, "additionalParameters": additional,
        });
        let secret = json!({ "value": "AAECAw==", "salt": "BAUGBwgJCgs=" });
        let credential = json!({
            "type": "password",
            "credentialData": data.to_string(),
            "secretData": secret.to_string(),
        });
        convert_credential(&SourceField::root_of(0, &credential))
    }

    #[test]
    fn hashes_become_phc_text() {
        let password = |text: &str| ImportedCredential::Password(text.to_owned());
        assert_eq!(
            convert("pbkdf2-sha512", &json!({})),
            password("$pbkdf2-sha512$i=5,l=4$BAUGBwgJCgs$AAECAw")
        );
        let argon2 = json!({
            "hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"],
            "parallelism": ["1"],
        });
        assert_eq!(
            convert("argon2", &argon2),
            password("$argon2id$v=19$m=7168,t=5,p=1$BAUGBwgJCgs$AAECAw")
        );
    }

    #[test]
    fn only_a_password_that_is_enough_is_one() {
        let convert = |credential: &Value| convert_credential(&SourceField::root_of(0, credential));
        for kind in ["otp", "webauthn", "recovery-authn-codes", "of-an-extension"] {
            let converted = convert(&json!({ "type": kind }));
            assert!(matches!(converted, ImportedCredential::SecondFactor(_)), "{kind}");
        }
        for other in [
            json!({ "type": "webauthn-passwordless" }),
            json!({ "type": "password", "temporary": true, "value": "changeme" }),
        ] {
            let converted = convert(&other);
            assert!(matches!(converted, ImportedCredential::NotCarried(_)), "{other}");
        }
    }

    #[test]
    fn other_hashes_are_named() {
        for (algorithm, additional) in [("pbkdf2", json!({})), ("argon2", json!({"type": ["d"]}))] {
            let converted = convert(algorithm, &additional);
            assert!(matches!(converted, ImportedCredential::NotCarried(_)), "{converted:?}");
        }
    }
}
