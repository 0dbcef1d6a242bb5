//! Metadata for unsupported features. It is rejected, because ignoring it would weaken the client's
//! security.

use serde_json::{Map, Value};

use super::{ErrorCode, OAuthError, invalid};

/// A member of client metadata that asks for something that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedMetadata {
    /// The registered name of the member.
    pub name: &'static str,
    /// Why it is not supported, or what to use in place of it.
    pub reason: &'static str,
}

const ENCRYPTION: &str = "encryption is not available";
const SIGNED_BACKCHANNEL: &str = "signed requests over the backchannel are not available";
const SIGNED_INTROSPECTION: &str = "introspection_signed_response_alg";
const SIGNED_ID_TOKEN: &str = "id_token_signed_response_alg";
const SIGNED_REQUESTS: &str = "require_signed_request_object";
const NFV_TOKENS: &str = "tokens of this kind are not issued";

/// The members that are refused with any value, as (name, reason): encryption of tokens, responses and request objects
/// (OIDC Registration §2, JARM §3, RFC 9701 §6), signatures that cannot be chosen (RFC 9701 §6, CIBA Core §4,
/// ETSI NFV-SEC 022), and software statements, whose claims would take precedence (RFC 7591 §2.3).
const REFUSED: [(&str, &str); 16] = [
    ("id_token_encrypted_response_alg", ENCRYPTION),
    ("id_token_encrypted_response_enc", ENCRYPTION),
    ("userinfo_encrypted_response_alg", ENCRYPTION),
    ("userinfo_encrypted_response_enc", ENCRYPTION),
    ("request_object_encryption_alg", ENCRYPTION),
    ("request_object_encryption_enc", ENCRYPTION),
    ("authorization_encrypted_response_alg", ENCRYPTION),
    ("authorization_encrypted_response_enc", ENCRYPTION),
    ("introspection_encrypted_response_alg", ENCRYPTION),
    ("introspection_encrypted_response_enc", ENCRYPTION),
    (
        SIGNED_INTROSPECTION,
        "introspection responses have the algorithm of id_token_signed_response_alg",
    ),
    ("backchannel_authentication_request_signing_alg", SIGNED_BACKCHANNEL),
    ("nfv_token_signed_response_alg", NFV_TOKENS),
    ("nfv_token_encrypted_response_alg", NFV_TOKENS),
    ("nfv_token_encrypted_response_enc", NFV_TOKENS),
    ("software_statement", "send the metadata itself"),
];

/// The members that are refused unless they are false, which is their default (RFC 9101 §10.5).
const REFUSED_FLAGS: [(&str, &str); 1] = [(
    SIGNED_REQUESTS,
    "only the security profile of a tenant or a manifest requires signed requests",
)];

/// Returns the first member that asks for something that is not supported. A null value is as good as none.
pub fn find_unsupported_metadata(members: &Map<String, Value>) -> Option<UnsupportedMetadata> {
    let sent = |name: &str| members.get(name).filter(|value| !value.is_null());
    // Introspection responses have that algorithm in any case.
    let is_id_token_algorithm =
        |name: &str| name == SIGNED_INTROSPECTION && sent(name) == sent(SIGNED_ID_TOKEN);
    let refused =
        REFUSED.iter().filter(|(name, _)| sent(name).is_some() && !is_id_token_algorithm(name));
    let flags = REFUSED_FLAGS
        .iter()
        .filter(|(name, _)| sent(name).is_some_and(|value| *value != Value::Bool(false)));
    let mut unsupported = refused.chain(flags);
    unsupported.next().map(|&(name, reason)| UnsupportedMetadata { name, reason })
}

/// Rule: metadata that is not supported is refused. `signed_requests`: whether the tenant requires signed requests of
/// all clients, so that a client may say that it requires them too.
pub(super) fn check_unsupported_metadata(
    members: &Map<String, Value>,
    signed_requests: bool,
) -> Result<(), OAuthError> {
    let found = find_unsupported_metadata(members);
    let honoured = |name: &str| {
        signed_requests && name == SIGNED_REQUESTS && members.get(name) == Some(&Value::Bool(true))
    };
    let Some(UnsupportedMetadata { name, reason }) = found.filter(|it| !honoured(it.name)) else {
        return Ok(());
    };
    let error = invalid(format!("{name} is not supported: {reason}."));
    if name == "software_statement" {
        return Err(OAuthError { code: ErrorCode::UnapprovedSoftwareStatement, ..error });
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{is_registrable, manifest_name},
        *,
    };

    /// The members that the registry "OAuth Dynamic Client Registration Metadata" of IANA lists, and that are neither
    /// registered nor refused. They restrict nothing here.
    const WITHOUT_EFFECT: [&str; 21] = [
        // A field of its own form.
        "scope",
        // The response has them.
        "client_id",
        "client_secret",
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
        // Only for the method tls_client_auth, which registration refuses.
        "tls_client_auth_subject_dn",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_uri",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
        // Statements about the client.
        "authorization_details_types",
        "backchannel_user_code_parameter",
        "use_mtls_endpoint_aliases",
        // Other protocols: UMA, OpenID Federation, OpenID for Verifiable Presentations.
        "claims_redirect_uris",
        "client_registration_types",
        "signed_jwks_uri",
        "organization_name",
        "vp_formats_supported",
        "encrypted_response_enc_values_supported",
    ];

    /// The other members of that registry.
    const WITH_EFFECT: &str = "redirect_uris token_endpoint_auth_method grant_types response_types client_name
        client_uri logo_uri contacts tos_uri policy_uri jwks_uri jwks software_id software_version application_type
        sector_identifier_uri subject_type id_token_signed_response_alg id_token_encrypted_response_alg
        id_token_encrypted_response_enc userinfo_signed_response_alg userinfo_encrypted_response_alg
        userinfo_encrypted_response_enc request_object_signing_alg request_object_encryption_alg
        request_object_encryption_enc token_endpoint_auth_signing_alg default_max_age require_auth_time
        default_acr_values initiate_login_uri request_uris nfv_token_signed_response_alg
        nfv_token_encrypted_response_alg nfv_token_encrypted_response_enc tls_client_certificate_bound_access_tokens
        require_signed_request_object require_pushed_authorization_requests introspection_signed_response_alg
        introspection_encrypted_response_alg introspection_encrypted_response_enc frontchannel_logout_uri
        frontchannel_logout_session_required backchannel_logout_uri backchannel_logout_session_required
        post_logout_redirect_uris dpop_bound_access_tokens authorization_signed_response_alg
        authorization_encrypted_response_alg authorization_encrypted_response_enc backchannel_token_delivery_mode
        backchannel_client_notification_endpoint backchannel_authentication_request_signing_alg";

    fn unsupported(name: &str, value: &Value) -> Option<&'static str> {
        let members = Map::from_iter([(name.to_owned(), value.clone())]);
        find_unsupported_metadata(&members).map(|it| it.name)
    }

    #[test]
    fn every_registered_member_is_honoured_or_refused() {
        for name in WITH_EFFECT.split_whitespace() {
            let is_honoured = is_registrable(&manifest_name(name));
            let is_refused = unsupported(name, &json!(true)).is_some();
            assert!(is_honoured != is_refused, "{name}: {is_honoured} {is_refused}");
        }
        for name in WITHOUT_EFFECT {
            assert!(!is_registrable(&manifest_name(name)), "{name} has an effect");
            assert_eq!(unsupported(name, &json!(true)), None);
        }
    }

    #[test]
    fn a_requirement_of_signed_requests_is_refused() {
        // RFC 9101 §10.5
        let name = "require_signed_request_object";
        for value in [json!(true), json!("true"), json!(0)] {
            assert_eq!(unsupported(name, &value), Some(name), "{value}");
        }
        assert_eq!(unsupported(name, &json!(false)), None);
        let sent = |value: Value| Map::from_iter([(name.to_owned(), value)]);
        assert!(check_unsupported_metadata(&sent(json!(true)), true).is_ok());
        assert!(check_unsupported_metadata(&sent(json!("true")), true).is_err());
        assert!(check_unsupported_metadata(&sent(json!(true)), false).is_err());
    }

    #[test]
    fn introspection_responses_have_the_algorithm_of_id_tokens() {
        let name = "introspection_signed_response_alg";
        assert_eq!(unsupported(name, &Value::Null), None);
        assert_eq!(unsupported(name, &json!("PS256")), Some(name));
        for (id_token, expected) in [("PS256", None), ("RS256", Some(name))] {
            let members = json!({ name: "PS256", "id_token_signed_response_alg": id_token });
            let found = members.as_object().and_then(find_unsupported_metadata);
            assert_eq!(found.map(|it| it.name), expected, "{id_token}");
        }
    }
}
