//! The subject of a person, computed from what the provider says. It is the same after a rename or
//! re-creation of the object, a restore, and the loss of the store.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use uuid::{Uuid, Version};

use super::{
    IdentityProvider, MappingError, ProviderSource, SubjectRule, TENANT_CLAIM, TENANT_PLACEHOLDER,
    UpstreamClaims,
};
use crate::model::{ObjectMark, Subject, SubjectStrategy};

/// UUID namespace of computed subjects. Must never change, because every subject depends on it.
const SUBJECTS: Uuid = Uuid::from_u128(0x6c61_6e79_6172_4d64_8b65_762f_7570_7374);
/// Maximum length of a provider's identifier of a person, in bytes.
const MAX_IDENTIFIER_LEN: usize = 512;
/// Maximum length of `sub` (OIDC Core §2).
const MAX_SUBJECT_LEN: usize = 255;

/// A person of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamIdentity {
    /// The provider's identifier of the person: the value of the claim of the rule, of at most 512 bytes.
    pub identifier: String,
    /// The `sub` of the person at this tenant.
    pub subject: Subject,
    /// The mark of the person: of identity key, claim and identifier.
    pub mark: ObjectMark,
}

/// Returns the person that the claims are about.
///
/// # Errors
///
/// [`MappingError::NoIdentifier`] if the claim is absent, no text or number, empty or too long.
pub fn identity_of(
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<UpstreamIdentity, MappingError> {
    let SubjectRule { claim, strategy, connector_id } = &provider.subject;
    let no_identifier = |problem| MappingError::NoIdentifier { claim: claim.clone(), problem };
    let identifier = match claims.get(claim) {
        None | Some(Value::Null) => return Err(no_identifier("is not there")),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        Some(_) => return Err(no_identifier("is neither a text nor a whole number")),
    };
    if identifier.is_empty() || identifier.contains('\0') {
        return Err(no_identifier("is empty"));
    }
    if identifier.len() > MAX_IDENTIFIER_LEN {
        return Err(no_identifier("has more than 512 bytes"));
    }
    let identity_key = identity_key(provider, claims)?;
    let subject = match strategy {
        SubjectStrategy::Computed => {
            let parts = [&*provider.tenant.to_string(), &identity_key, claim, &identifier];
            Uuid::new_v5(&SUBJECTS, parts.join("\0").as_bytes()).to_string()
        }
        SubjectStrategy::Upstream => identifier.clone(),
        SubjectStrategy::Dex => dex_subject(&identifier, connector_id),
    };
    if subject.len() > MAX_SUBJECT_LEN || !subject.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(no_identifier("cannot be a subject: 1 to 255 ASCII characters without spaces"));
    }
    let mark = [&*identity_key, claim, &identifier].join("\0");
    Ok(UpstreamIdentity {
        identifier,
        subject: Subject::new(subject),
        mark: ObjectMark::of(&format!("upstream {mark}")),
    })
}

/// Returns the person with an identifier, as an OidcUser declares it. `None` where the subject depends on more
/// than the identifier: on the directory of an issuer that is a template.
pub fn declared_identity(
    provider: &IdentityProvider,
    identifier: &str,
) -> Option<UpstreamIdentity> {
    let claim = (provider.subject.claim.clone(), Value::String(identifier.to_owned()));
    identity_of(provider, &UpstreamClaims::from_iter([claim])).ok()
}

/// The people that an OidcUser declares by an identifier. There is one, or one of each directory if the issuer is a
/// template.
pub fn declared_identities(provider: &IdentityProvider, identifier: &str) -> Vec<UpstreamIdentity> {
    let claim = |name: &str, value: &str| (name.to_owned(), Value::String(value.to_owned()));
    let person = claim(&provider.subject.claim, identifier);
    let claims: Vec<UpstreamClaims> = match &provider.source {
        ProviderSource::Oidc(oidc) if !oidc.tenant_ids.is_empty() => {
            let of = |id: &String| [person.clone(), claim(TENANT_CLAIM, id)].into_iter().collect();
            oidc.tenant_ids.iter().map(of).collect()
        }
        _ => vec![[person].into_iter().collect()],
    };
    claims.iter().filter_map(|claims| identity_of(provider, claims).ok()).collect()
}

/// The name under which the subject of a person is computed. Where it is a template, it is that of the
/// person's directory.
fn identity_key<'a>(
    provider: &'a IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Cow<'a, str>, MappingError> {
    let directory = match &provider.source {
        ProviderSource::Oidc(oidc) => oidc.directory_of(claims),
        ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => Ok(None),
    };
    let directory = directory.map_err(|_| MappingError::NoIdentifier {
        claim: TENANT_CLAIM.to_owned(),
        problem: "is not one of tenantIds",
    })?;
    Ok(match directory {
        Some(directory) => Cow::Owned(provider.identity_key.replace(TENANT_PLACEHOLDER, directory)),
        None => Cow::Borrowed(&provider.identity_key),
    })
}

/// Returns true if a provider with this rule can give a subject to one of its people. A provider that gives the
/// subjects of its upstream could choose one that another provider computes.
pub fn can_give_subject(rule: &SubjectRule, subject: &Subject) -> bool {
    let SubjectRule { strategy, connector_id, .. } = rule;
    match strategy {
        SubjectStrategy::Computed => Uuid::try_parse(subject.as_str())
            .is_ok_and(|uuid| uuid.get_version() == Some(Version::Sha1)),
        SubjectStrategy::Upstream => true,
        SubjectStrategy::Dex => {
            let message = URL_SAFE_NO_PAD.decode(subject.as_str()).unwrap_or_default();
            let connector = URL_SAFE_NO_PAD.decode(dex_subject("", connector_id));
            message.first() == Some(&0x0a)
                && connector.is_ok_and(|connector| message.ends_with(&connector))
        }
    }
}

/// The subject that Dex gives a user of a connector: a protobuf message with the fields `user_id`
/// and `conn_id`, in base64url.
pub fn dex_subject(user_id: &str, connector_id: &str) -> String {
    let mut message = Vec::new();
    for (tag, text) in [(0x0a, user_id), (0x12, connector_id)] {
        if text.is_empty() {
            continue;
        }
        message.push(tag);
        let mut length = text.len();
        while length >= 0x80 {
            message.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap_or_default());
        message.extend_from_slice(text.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::identity_provider::fixtures::sample_provider as provider;

    fn identity(provider: &IdentityProvider, id: &Value) -> Result<UpstreamIdentity, MappingError> {
        let Value::Object(claims) = json!({ "sub": id }) else { panic!("an object") };
        identity_of(provider, &claims)
    }

    #[test]
    fn subjects_never_change() {
        let found = identity(&provider(), &json!("1")).expect("an identity");
        assert_eq!(found.subject.as_str(), "ba19b9dd-021d-5fe5-80d7-83fd6954cdc9");
        let number = identity(&provider(), &json!(1)).expect("an identity");
        assert_eq!(number, found, "GitHub's ids are numbers");
    }

    #[test]
    fn a_subject_depends_on_identity_key_and_claim_and_not_on_the_objects_name() {
        let of =
            |provider: &IdentityProvider| identity(provider, &json!("1")).expect("one").subject;
        let one = provider();
        let renamed =
            IdentityProvider { object: one.object.in_same_namespace("other"), ..one.clone() };
        assert_eq!(of(&one), of(&renamed));
        let moved = IdentityProvider { identity_key: "https://b.test".into(), ..one.clone() };
        assert_ne!(of(&one), of(&moved));
    }

    #[test]
    fn dex_subjects_are_those_of_dex() {
        // What Dex gives the user "foo" of the connector "ldap".
        assert_eq!(dex_subject("foo", "ldap"), "CgNmb28SBGxkYXA");
        // The static password of Dex's own example configuration.
        assert_eq!(
            dex_subject("08a8684b-db88-4b73-90a9-3cd1661f5466", "local"),
            "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs"
        );
        let long = "x".repeat(200);
        let decoded = URL_SAFE_NO_PAD.decode(dex_subject(&long, "c")).expect("base64");
        assert_eq!(decoded[..3], [0x0a, 0xc8, 0x01]);
    }

    #[test]
    fn a_subject_that_another_provider_can_give_is_known_by_its_form() {
        let with = |strategy, connector: &str| SubjectRule {
            strategy,
            connector_id: connector.to_owned(),
            ..provider().subject
        };
        let subject = |text: &str| Subject::new(text);
        let computed = with(SubjectStrategy::Computed, "");
        let own = identity(&provider(), &json!("1")).expect("one").subject;
        assert!(can_give_subject(&computed, &own));
        assert!(can_give_subject(&computed, &subject(&own.as_str().to_uppercase())));
        for other in ["ada-1", "08a8684b-db88-4b73-90a9-3cd1661f5466", "CgNmb28SBGxkYXA"] {
            assert!(!can_give_subject(&computed, &subject(other)), "{other}");
        }
        let dex = with(SubjectStrategy::Dex, "ldap");
        assert!(can_give_subject(&dex, &subject("CgNmb28SBGxkYXA")));
        assert!(!can_give_subject(&dex, &subject(&dex_subject("foo", "other"))));
        assert!(!can_give_subject(&dex, &own));
    }

    #[test]
    fn the_people_with_an_identifier_are_those_of_all_directories() {
        let one = declared_identities(&provider(), "1");
        assert_eq!(one, [identity(&provider(), &json!("1")).expect("one")]);
        assert_eq!(declared_identities(&provider(), ""), []);
        let mut entra = provider();
        let ProviderSource::Oidc(oidc) = &mut entra.source else { panic!("OpenID") };
        oidc.issuer = "https://login.test/{tenantid}/v2.0".to_owned();
        oidc.tenant_ids = vec!["a".to_owned(), "b".to_owned()];
        entra.identity_key.clone_from(&oidc.issuer);
        let of = |tenant: &str| {
            let Value::Object(claims) = json!({ "sub": "1", "tid": tenant }) else {
                panic!("an object")
            };
            identity_of(&entra, &claims).expect("one")
        };
        assert_eq!(declared_identities(&entra, "1"), [of("a"), of("b")]);
    }

    #[test]
    fn an_unusable_identifier_is_refused() {
        for id in [json!(null), json!(""), json!(["a"]), json!(1.5), json!("x".repeat(5000))] {
            let refused = identity(&provider(), &id);
            assert!(matches!(refused, Err(MappingError::NoIdentifier { .. })), "{id}");
        }
        let rule = SubjectRule { strategy: SubjectStrategy::Upstream, ..provider().subject };
        let verbatim = IdentityProvider { subject: rule, ..provider() };
        assert_eq!(identity(&verbatim, &json!("ada")).expect("one").subject.as_str(), "ada");
        assert!(identity(&verbatim, &json!("a b")).is_err());
    }
}
