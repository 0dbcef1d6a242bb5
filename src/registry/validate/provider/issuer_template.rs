//! An issuer template for several directories of Microsoft Entra.

use url::Url;

use super::ProblemList;
use crate::{
    api::{EnumSpec, IdentityProviderSpec, OidcProviderSpec},
    model::ClientAssertionAudience,
    protocol::identity_provider::TENANT_PLACEHOLDER,
};

const FIELD: &str = "spec.oidc.tenantIds";
/// The claims that Microsoft alone sets, so that no value is that of a person of another directory.
const IDENTIFIERS: [&str; 2] = ["sub", "oid"];

/// Validates the list of directories. Without it, people of every directory could sign in.
pub(super) fn check_issuer_template(problems: &mut ProblemList, spec: &OidcProviderSpec) {
    let issuer = spec.issuer.as_deref().unwrap_or_default();
    let is_template = issuer.contains(TENANT_PLACEHOLDER);
    if is_template == spec.tenant_ids.is_empty() {
        let message = if is_template {
            "must list the directories whose people may sign in, since issuer has {tenantid}"
        } else {
            "needs {tenantid} in issuer, which stands for one of them; remove it, or use https://login.microsoftonline.com/{tenantid}/v2.0"
        };
        problems.invalid(FIELD, message);
    }
    let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    if host.is_some_and(|host| host.contains(['{', '}'])) {
        problems.invalid("spec.oidc.issuer", "must have {tenantid} in its path, not in its host");
    }
    for (index, id) in spec.tenant_ids.iter().enumerate() {
        if !is_directory_id(id) {
            let message = "must be the id of a directory in lower case, such as b9419818-09af-49c2-b0c3-653adc1f376e";
            problems.invalid(format!("{FIELD}[{index}]"), message);
        }
    }
    let audience = spec.private_key_jwt.as_ref().and_then(|it| it.audience.as_ref());
    if is_template && audience == Some(&EnumSpec::Supported(ClientAssertionAudience::Issuer)) {
        let message = "must not be Issuer, since the issuer is a template";
        problems.invalid("spec.oidc.privateKeyJwt.audience", message);
    }
}

/// Validates an identity key of several directories. If it were the same for all, a person of one could be
/// a person of another.
pub(super) fn check_identity_key(problems: &mut ProblemList, spec: &IdentityProviderSpec) {
    let issuer = spec.oidc.as_ref().and_then(|oidc| oidc.issuer.as_deref()).unwrap_or_default();
    let is_other = |key: &str| !key.contains(TENANT_PLACEHOLDER);
    if issuer.contains(TENANT_PLACEHOLDER) && spec.identity_key.as_deref().is_some_and(is_other) {
        let message = "must contain {tenantid}, as issuer does; the id of a person's directory replaces it. It cannot be changed: delete this object, and create it with {tenantid} in identityKey";
        problems.invalid("spec.identityKey", message);
    }
}

/// Validates the claim that identifies people of several directories. An administrator of one directory could set
/// any other claim to the value of a person in another directory whom an `OidcUser` names.
pub(super) fn check_subject_claim(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
    claim: &str,
) {
    let issuer = spec.oidc.as_ref().and_then(|oidc| oidc.issuer.as_deref()).unwrap_or_default();
    if issuer.contains(TENANT_PLACEHOLDER) && !IDENTIFIERS.contains(&claim) {
        let message = format!(
            "must be sub or oid, since issuer has {{tenantid}}, and is {claim:?}: the administrators of each directory choose its value, also that of a person of another one"
        );
        problems.invalid("spec.subject.claim", message);
    }
}

fn is_directory_id(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == '-';
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ConditionType;

    const ID: &str = "b9419818-09af-49c2-b0c3-653adc1f376e";
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

    /// The field of the first problem.
    fn problem(issuer: &str, ids: &[&str], audience: Option<&str>) -> Option<String> {
        let mut spec = serde_json::json!({ "issuer": issuer, "tenantIds": ids });
        if let Some(audience) = audience {
            spec["privateKeyJwt"] = serde_json::json!({ "audience": audience });
        }
        let spec: OidcProviderSpec = serde_json::from_value(spec).expect("a spec");
        let mut problems = ProblemList::default();
        check_issuer_template(&mut problems, &spec);
        problems.find(ConditionType::Accepted).map(|problem| problem.field.clone())
    }

    #[test]
    fn directories_are_listed_where_the_issuer_stands_for_them() {
        assert_eq!(problem(TEMPLATE, &[ID], None), None);
        assert_eq!(problem("https://login.test", &[], None), None);
        assert_eq!(problem(TEMPLATE, &[], None).as_deref(), Some(FIELD));
        assert_eq!(problem("https://login.test", &[ID], None).as_deref(), Some(FIELD));
        for bad in [ID.to_uppercase(), "common".to_owned(), format!("{ID}0"), ID.replace('b', "x")]
        {
            let found = problem(TEMPLATE, &[ID, &bad], None);
            assert_eq!(found.as_deref(), Some("spec.oidc.tenantIds[1]"), "{bad}");
        }
    }

    #[test]
    fn the_host_of_an_issuer_must_not_be_a_template() {
        let found = problem("https://{tenantid}.login.test/{tenantid}/v2.0", &[ID], None);
        assert_eq!(found.as_deref(), Some("spec.oidc.issuer"));
    }

    #[test]
    fn directories_have_identity_keys_of_their_own() {
        let problem = |issuer: &str, key: &str| {
            let spec = serde_json::json!({
                "tenantRef": {"name": "main"}, "type": "OIDC", "admit": "Everyone",
                "oidc": {"issuer": issuer, "clientId": "lanyard"}, "identityKey": key,
            });
            let mut problems = ProblemList::default();
            let spec: IdentityProviderSpec = serde_json::from_value(spec).expect("a spec");
            check_identity_key(&mut problems, &spec);
            problems.find(ConditionType::Accepted).map(|problem| problem.field.clone())
        };
        assert_eq!(problem(TEMPLATE, "https://sts.windows.net/{tenantid}/"), None);
        assert_eq!(problem("https://login.test", "staff"), None);
        assert_eq!(problem(TEMPLATE, "staff").as_deref(), Some("spec.identityKey"));
    }

    #[test]
    fn people_of_several_directories_are_identified_by_what_no_directory_chooses() {
        let problem = |issuer: &str, claim: &str| {
            let spec = serde_json::json!({
                "tenantRef": {"name": "main"}, "type": "OIDC", "admit": "Everyone",
                "oidc": {"issuer": issuer, "clientId": "lanyard"},
            });
            let mut problems = ProblemList::default();
            let spec: IdentityProviderSpec = serde_json::from_value(spec).expect("a spec");
            check_subject_claim(&mut problems, &spec, claim);
            problems.find(ConditionType::Accepted).map(|problem| problem.field.clone())
        };
        for claim in ["sub", "oid"] {
            assert_eq!(problem(TEMPLATE, claim), None, "{claim}");
        }
        for claim in ["employeeid", "extn.number", "OID", "onprem_sid"] {
            assert_eq!(problem(TEMPLATE, claim).as_deref(), Some("spec.subject.claim"), "{claim}");
            assert_eq!(problem("https://login.test", claim), None, "{claim}");
        }
    }

    #[test]
    fn a_template_is_refused_as_an_audience() {
        let with = |audience: &str| problem(TEMPLATE, &[ID], Some(audience));
        assert_eq!(with("TokenEndpoint"), None);
        let found = with("Issuer");
        assert_eq!(found.as_deref(), Some("spec.oidc.privateKeyJwt.audience"));
    }
}
