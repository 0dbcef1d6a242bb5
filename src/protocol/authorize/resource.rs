//! Rule: `resource` names a known resource (RFC 8707 §2.1), as at the token endpoint
//! ([`resource::check_resources`]). It is checked before the user signs in, because the token request would
//! fail otherwise.

use super::{
    super::{error::OAuthError, resource},
    parameters::{AuthorizationParams, Parameter},
};
use crate::model::Tenant;

pub(super) fn check_resource(
    params: AuthorizationParams<'_>,
    tenant: &Tenant,
) -> Result<(), OAuthError> {
    resource::check_resources(&tenant.issuer, params.all(Parameter::Resource))
}
