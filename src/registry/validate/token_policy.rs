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
pub fn of_tenant(problems: &mut ProblemList, spec: &TenantSpec) -> TokenPolicy {
    let (claims, kind) = (spec.id_token_claims.as_ref(), spec.access_token_type.as_ref());
    check(problems, claims, kind).or(TokenPolicy::default())
}

/// Validates the values of a client.
pub fn of_client(problems: &mut ProblemList, spec: &OidcClientSpec) -> WrittenTokenPolicy {
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
