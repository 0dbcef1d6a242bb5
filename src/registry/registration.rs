//! A tenant's service for dynamic registration: validation by the same rules as for manifests, the
//! initial access token, and the number of registered clients.

use std::{fmt, sync::Arc};

use kube::api::ObjectMeta;
use serde_json::{Map, Value, json};

use super::{
    ValidationProblem,
    validate::{self, CheckedTenant},
};
use crate::{
    api::{NamespaceLabels, OidcClient, REGISTERED_LABEL},
    model::{Client, ConsentPolicy, GrantType, ObjectKey, RegistrationPolicy, Secret},
    protocol::scope::STANDARD_SCOPES,
};

/// Scopes of a registered client that requests none: all standard scopes about the user.
const DEFAULT_SCOPES: [&str; 5] = ["openid", "profile", "email", "address", "phone"];

/// Dynamic registration at one tenant (RFC 7591).
#[derive(Clone)]
pub struct RegistrationService {
    checked: Arc<CheckedTenant>,
    token: Option<Secret<String>>,
    registered: usize,
}

impl fmt::Debug for RegistrationService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.checked.tenant.id;
        f.debug_struct("RegistrationDesk").field("tenant", name).finish_non_exhaustive()
    }
}

/// A client whose registration is valid.
#[derive(Clone, Debug)]
pub struct ValidatedRegistration {
    /// The client, without its client secret.
    pub client: Client,
    /// `spec` of the `OidcClient` to create.
    pub spec: Map<String, Value>,
}

impl RegistrationService {
    pub(super) fn new(
        checked: CheckedTenant,
        token: Option<Secret<String>>,
        registered: usize,
    ) -> Self {
        Self { checked: Arc::new(checked), token, registered }
    }

    /// The mode and the limits of registration at the tenant.
    pub fn settings(&self) -> &RegistrationPolicy {
        &self.checked.tenant.registration
    }

    /// The initial access token, if it is required and could be read.
    pub fn token(&self) -> Option<&Secret<String>> {
        self.token.as_ref()
    }

    /// Number of registered clients, whether served or not.
    pub fn registered(&self) -> usize {
        self.registered
    }

    /// Validates registered metadata, given as the `spec` of the `OidcClient` that it would become.
    pub fn validate(
        &self,
        object: &ObjectKey,
        mut spec: Map<String, Value>,
    ) -> Result<ValidatedRegistration, ValidationProblem> {
        spec.insert("tenantRef".to_owned(), json!({ "name": self.checked.tenant.id.0.name }));
        spec.insert("consent".to_owned(), ConsentPolicy::Required.as_str().into());
        let asked = spec.get_mut("scopes").and_then(Value::as_array_mut);
        let is_left = asked.map(|asked| self.leave_out_scopes(asked));
        // Scopes of a resource server are not those of the client itself.
        let asks_servers = !self.checked.bounds.registered.resources.is_empty();
        if is_left.is_none() || is_left == Some(false) && asks_servers {
            spec.insert("scopes".to_owned(), self.default_scopes(&spec).into());
        }
        let unreadable =
            |error: serde_json::Error| ValidationProblem::invalid("spec", error.to_string());
        let spec = serde_json::from_value(spec.into()).map_err(unreadable)?;
        let raw = OidcClient {
            metadata: ObjectMeta {
                name: Some(object.name.to_string()),
                namespace: Some(object.namespace.to_string()),
                labels: Some([(REGISTERED_LABEL.to_owned(), "true".to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        };
        let none = NamespaceLabels::Unavailable;
        let found =
            validate::validate_client(&raw, object, (Some(&self.checked), &none, &[]), None);
        let spec = serde_json::to_value(&raw.spec).map_err(unreadable)?;
        match (found.checked, spec) {
            (Some(checked), Value::Object(spec)) => {
                Ok(ValidatedRegistration { client: checked.client, spec })
            }
            _ => Err(found
                .problems
                .into_parts()
                .0
                .into_iter()
                .next()
                .unwrap_or_else(|| ValidationProblem::invalid("spec", "cannot be registered"))),
        }
    }

    /// Rule: scopes that the tenant does not have, or does not allow registered clients, are left out, as at the
    /// other endpoints. Applications send the same list to many providers. The response contains the rest (RFC 7591
    /// §3.2.1). Returns false if nothing would be left.
    fn leave_out_scopes(&self, asked: &mut Vec<Value>) -> bool {
        let (tenant, bounds) = (&self.checked.tenant, &self.checked.bounds.registered);
        let allowed = |scope: &Value| {
            let scope = scope.as_str().unwrap_or_default();
            let known = STANDARD_SCOPES.contains(&scope) || tenant.scopes.contains_key(scope);
            known && bounds.scopes.as_ref().is_none_or(|allowed| allowed.contains(scope))
        };
        let is_left = asked.iter().any(allowed);
        if is_left {
            asked.retain(allowed);
        }
        is_left
    }

    /// Default scopes (RFC 7591 §2), limited to the scopes that the tenant allows.
    fn default_scopes(&self, spec: &Map<String, Value>) -> Vec<&'static str> {
        let grants = spec.get("grantTypes").and_then(Value::as_array).into_iter().flatten();
        let refresh = grants.into_iter().any(|it| it == GrantType::RefreshToken.as_str());
        let allowed = self.checked.bounds.registered.scopes.as_ref();
        DEFAULT_SCOPES
            .into_iter()
            .chain(refresh.then_some("offline_access"))
            .filter(|scope| allowed.is_none_or(|allowed| allowed.contains(*scope)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
