//! The forms of tokens that a tenant or a client writes.

use super::ProblemList;
use crate::{
    api::{EnumSpec, OidcClientSpec, TenantSpec},
    model::{AccessTokenType, IdTokenClaimsPolicy, TokenPolicy},
};

/// The values that a spec contains.
#[derive(Clone, Copy, Debug)]
pub struct WrittenTokenPolicy {
    id_token_claims: Option<IdTokenClaimsPolicy>,
    access_token_type: Option<AccessTokenType>,
}

/// Validates the values of a tenant, and completes them with the defaults.
pub fn tenant_token_policy(problems: &mut ProblemList, spec: &TenantSpec) -> TokenPolicy {
    let (claims, kind) = (spec.id_token_claims.as_ref(), spec.access_token_type.as_ref());
    check(problems, claims, kind).or(TokenPolicy::default())
}

/// Validates the values of a client.
pub fn client_token_policy(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
) -> WrittenTokenPolicy {
    check(problems, spec.id_token_claims.as_ref(), spec.access_token_type.as_ref())
}

fn check(
    problems: &mut ProblemList,
    id_token_claims: Option<&EnumSpec<IdTokenClaimsPolicy>>,
    access_token_type: Option<&EnumSpec<AccessTokenType>>,
) -> WrittenTokenPolicy {
    WrittenTokenPolicy {
        id_token_claims: problems.supported("spec.idTokenClaims", id_token_claims),
        access_token_type: problems.supported("spec.accessTokenType", access_token_type),
    }
}

impl WrittenTokenPolicy {
    /// Completes the values with those of the tenant.
    pub fn or(self, default: TokenPolicy) -> TokenPolicy {
        TokenPolicy {
            id_token_claims: self.id_token_claims.unwrap_or(default.id_token_claims),
            access_token_type: self.access_token_type.unwrap_or(default.access_token_type),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tenant(problems: &mut ProblemList, spec: Value) -> TokenPolicy {
        tenant_token_policy(problems, &serde_json::from_value(spec).expect("a spec"))
    }

    #[test]
    fn a_client_overrides_what_its_tenant_sets() {
        let mut problems = ProblemList::default();
        assert_eq!(tenant(&mut problems, json!({})), TokenPolicy::default());
        let written = json!({ "idTokenClaims": "Minimal", "accessTokenType": "JWT" });
        let tenant = tenant(&mut problems, written);
        let client = json!({ "tenantRef": { "name": "main" }, "accessTokenType": "at+jwt" });
        let client = serde_json::from_value(client).expect("a spec");
        let expected = TokenPolicy {
            id_token_claims: IdTokenClaimsPolicy::Minimal,
            access_token_type: AccessTokenType::AtJwt,
        };
        assert_eq!(client_token_policy(&mut problems, &client).or(tenant), expected);
        assert!(!problems.refused());
    }

    #[test]
    fn unsupported_values_are_problems() {
        let mut problems = ProblemList::default();
        tenant(&mut problems, json!({ "idTokenClaims": "Everything", "accessTokenType": "jwt" }));
        let fields: Vec<_> = problems.into_parts().0.into_iter().map(|found| found.field).collect();
        assert_eq!(fields, ["spec.idTokenClaims", "spec.accessTokenType"]);
    }
}
