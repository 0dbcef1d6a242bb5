//! Converts a `Tenant` to a validated tenant and its bounds.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    ProblemList, SCOPE_MESSAGE, access, bounds, bounds::ClientBounds, branding::check_branding,
    claim_names, client_documents::check_client_documents, duration, mail, name,
    secret_template::is_object_name, security_profile, tenant_protocol as protocol, token_policy,
};
use crate::{
    api::{self, ConditionReason, EnumSpec, SecretKeyRef},
    messages::Languages,
    model::{
        CustomScope, Issuer, Lifetimes, ObjectKey, Organization, RefreshTokenRotation,
        RotationPolicy, SigningAlgorithm, Tenant, TenantId,
    },
    protocol::scope::{STANDARD_SCOPES, is_scope},
    registry::ValidationProblem,
};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(366 * 24);

/// A valid tenant that may use its issuer.
#[derive(Clone, Debug)]
pub struct CheckedTenant {
    /// The tenant, with its algorithms as written, whether they have keys or not.
    pub tenant: Tenant,
    /// Bounds for clients of other namespaces.
    pub bounds: ClientBounds,
    /// The user-provided Secret with signing keys.
    pub imported: Option<SecretKeyRef>,
    /// The Secret with the initial access token for registration.
    pub initial_access_token: Option<SecretKeyRef>,
}

/// The issuer, if the tenant may use it.
fn usable_issuer(
    problems: &mut ProblemList,
    issuer: Result<Issuer, ValidationProblem>,
) -> Option<Issuer> {
    let issuer = issuer.map_err(|problem| problems.append([problem])).ok()?;
    if issuer.is_insecure() {
        let message = format!("{issuer} is not encrypted; use https");
        problems.warn(ConditionReason::InsecureHttp, "spec.issuer", message);
    }
    Some(issuer)
}

/// Validates a tenant; `issuer` is the decision among all tenants. `unseen`: no API server has
/// validated the object.
pub fn validate_tenant(
    raw: &api::Tenant,
    key: &ObjectKey,
    issuer: Result<Issuer, ValidationProblem>,
    unseen: bool,
) -> (Option<CheckedTenant>, ProblemList) {
    let mut problems = ProblemList::default();
    let spec = &raw.spec;
    name(&mut problems, key);
    let issuer = usable_issuer(&mut problems, issuer);
    let lifetimes = lifetimes(&mut problems, spec);
    let signing = spec.signing.clone().unwrap_or_default();
    let fapi2 = security_profile::check_tenant_profile(&mut problems, spec, issuer.as_ref());
    let algorithms = algorithms(&mut problems, &signing.algorithms, fapi2.is_some());
    let rotation = rotation(&mut problems, signing.rotation.as_ref());
    signing_secret(&mut problems, &signing);
    let scopes = custom_scopes(&mut problems, &spec.scopes);
    let client_documents = check_client_documents(&mut problems, spec, &scopes);
    let bounds = bounds::check_client_bounds(&mut problems, spec);
    let branding = check_branding(&mut problems, spec.branding.as_ref());
    let display_name = super::display_name(&mut problems, spec.display_name.as_deref(), key);
    let acr_levels = protocol::acr_levels(&mut problems, &spec.acr_levels);
    let access = access::check_access(&mut problems, spec.access.as_ref(), Some(&acr_levels));
    let refresh_rotation = refresh_rotation(&mut problems, spec);
    let tokens = token_policy::tenant_token_policy(&mut problems, spec);
    let authenticators = protocol::authenticator_policies(&mut problems, spec, issuer.as_ref());
    let registration = protocol::registration_settings(&mut problems, spec.registration.as_ref());
    let mail = mail::check_mail(&mut problems, spec.mail.as_ref(), issuer.as_ref());
    let organization = organization(&mut problems, spec, (&display_name, key));
    super::limits(&mut problems, raw, unseen);
    let checked = issuer.filter(|_| !problems.refused()).map(|issuer| CheckedTenant {
        tenant: security_profile::under_profile(Tenant {
            fapi2,
            id: TenantId(key.clone()),
            mark: super::object_mark(&raw.metadata, key, unseen),
            issuer,
            internal_hosts: Arc::default(),
            upstream_hosts: Arc::default(),
            internal_url: None,
            mutual_tls_url: None,
            display_name,
            organization,
            algorithms,
            key_rotation: rotation,
            lifetimes: Arc::new(lifetimes),
            scopes,
            branding,
            languages: Languages::built_in(),
            acr_levels,
            authenticators,
            request_objects: protocol::request_objects(spec.request_objects.as_ref()),
            refresh_token_rotation: refresh_rotation,
            tokens,
            require_pkce: spec.require_pkce.unwrap_or_default(),
            require_pushed_requests: spec.require_pushed_authorization_requests == Some(true),
            access,
            registration,
            client_documents,
            mail: mail.map(Arc::new),
        }),
        bounds,
        imported: signing.secret_ref,
        initial_access_token: raw.initial_access_token().cloned(),
    });
    (checked, problems)
}

fn refresh_rotation(problems: &mut ProblemList, spec: &api::TenantSpec) -> RefreshTokenRotation {
    let written = spec.refresh_token_rotation.as_ref();
    problems.supported("spec.refreshTokenRotation", written).unwrap_or_default()
}

fn organization(
    problems: &mut ProblemList,
    spec: &api::TenantSpec,
    (display_name, key): (&str, &ObjectKey),
) -> Organization {
    let written = spec.organization.clone().unwrap_or_default();
    let id = written.id.unwrap_or_else(|| key.to_string());
    check_organization_id(problems, &id, key);
    Organization { name: written.name.unwrap_or_else(|| display_name.to_owned()), id }
}

/// Rule: an organization's ID is not the default ID of another tenant, even of one that does not exist. Otherwise
/// resource servers could confuse the users of the two tenants.
fn check_organization_id(problems: &mut ProblemList, id: &str, key: &ObjectKey) {
    let is_default = id.split_once('/').is_some_and(|(namespace, name)| {
        is_object_name(namespace) && is_object_name(name) && !namespace.contains('.')
    });
    if is_default && id != key.to_string() {
        let message = format!(
            "{id:?} is the default of Tenant \"{id}\"; use an ID that is not of the form <namespace>/<name>, or {:?}",
            key.to_string()
        );
        problems.invalid("spec.organization.id", message);
    }
}

fn lifetimes(problems: &mut ProblemList, spec: &api::TenantSpec) -> Lifetimes {
    let written = spec.lifetimes.clone().unwrap_or_default();
    let default = Lifetimes::default();
    let mut field = |name: &str, text: Option<&String>, most: Duration| {
        duration::duration_within(problems, &format!("spec.lifetimes.{name}"), text, SECOND..=most)
    };
    // Codes are redeemed at once. RFC 6749 §4.1.2 recommends at most ten minutes; this is stricter.
    let code = field("code", written.code.as_ref(), Duration::from_mins(1));
    let access_token = field("accessToken", written.access_token.as_ref(), DAY);
    let id_token = field("idToken", written.id_token.as_ref(), DAY);
    let refresh_idle = field("refreshTokenIdle", written.refresh_token_idle.as_ref(), YEAR);
    let refresh_all = field("refreshTokenAbsolute", written.refresh_token_absolute.as_ref(), YEAR);
    let session_idle = field("sessionIdle", written.session_idle.as_ref(), YEAR);
    let session_all = field("sessionAbsolute", written.session_absolute.as_ref(), YEAR);
    for (idle, all, name) in
        [(refresh_idle, refresh_all, "refreshToken"), (session_idle, session_all, "session")]
    {
        if idle.zip(all).is_some_and(|(idle, all)| idle > all) {
            let message = format!("must not be longer than {name}Absolute");
            problems.invalid(format!("spec.lifetimes.{name}Idle"), message);
        }
    }
    let refresh_token_absolute =
        refresh_all.unwrap_or(default.refresh_token_absolute.max(refresh_idle.unwrap_or_default()));
    let session_absolute =
        session_all.unwrap_or(default.session_absolute.max(session_idle.unwrap_or_default()));
    let window = reuse_window(problems, spec.refresh_token_reuse_window.as_ref());
    Lifetimes {
        code: code.unwrap_or(default.code),
        access_token: access_token.unwrap_or(default.access_token),
        id_token: id_token.unwrap_or(default.id_token),
        refresh_token_idle: refresh_idle
            .unwrap_or(default.refresh_token_idle)
            .min(refresh_token_absolute),
        refresh_token_absolute,
        refresh_token_reuse_window: window.unwrap_or(default.refresh_token_reuse_window),
        session_idle: session_idle.unwrap_or(default.session_idle).min(session_absolute),
        session_absolute,
    }
}

/// Validates `spec.refreshTokenReuseWindow` of a tenant or client.
pub fn reuse_window(problems: &mut ProblemList, written: Option<&String>) -> Option<Duration> {
    const MAX: Duration = Duration::from_mins(5);
    duration::duration_within(
        problems,
        "spec.refreshTokenReuseWindow",
        written,
        Duration::ZERO..=MAX,
    )
}

fn algorithms(
    problems: &mut ProblemList,
    written: &[EnumSpec<SigningAlgorithm>],
    has_profile: bool,
) -> Vec<SigningAlgorithm> {
    const FIELD: &str = "spec.signing.algorithms";
    let mut algorithms: Vec<SigningAlgorithm> = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let field = format!("{FIELD}[{index}]");
        match problems.supported(&field, Some(written)) {
            Some(algorithm) if algorithms.contains(&algorithm) => {
                problems.invalid(field, "is a duplicate; remove it");
            }
            supported => algorithms.extend(supported),
        }
    }
    if written.is_empty() {
        let rs256 = SigningAlgorithm::RS256;
        algorithms.push(if has_profile { security_profile::DEFAULT_ALGORITHM } else { rs256 });
    }
    if !has_profile && !algorithms.contains(&SigningAlgorithm::RS256) {
        // OIDC Discovery §3: `id_token_signing_alg_values_supported` MUST include RS256.
        problems.invalid(
            FIELD,
            "must contain RS256, which OpenID Connect requires; put the default algorithm first",
        );
    }
    algorithms
}

fn signing_secret(problems: &mut ProblemList, signing: &api::SigningSpec) {
    if let Some(reference) = &signing.secret_ref {
        super::secret_ref(problems, "spec.signing.secretRef", reference);
    }
}

fn rotation(problems: &mut ProblemList, written: Option<&api::RotationSpec>) -> RotationPolicy {
    let written = written.cloned().unwrap_or_default();
    let default = RotationPolicy::default();
    let mut field = |name: &str, text: Option<&String>, least: Duration| {
        duration::duration_within(
            problems,
            &format!("spec.signing.rotation.{name}"),
            text,
            least..=YEAR * 10,
        )
    };
    let policy = RotationPolicy {
        interval: field("interval", written.interval.as_ref(), SECOND).unwrap_or(default.interval),
        publish_ahead: field("publishAhead", written.publish_ahead.as_ref(), SECOND)
            .unwrap_or(default.publish_ahead),
        retain: field("retain", written.retain.as_ref(), Duration::ZERO).unwrap_or(default.retain),
    };
    if policy.publish_ahead >= policy.interval {
        let (ahead, interval) = (
            duration::write_duration(policy.publish_ahead),
            duration::write_duration(policy.interval),
        );
        let message = format!("publishAhead ({ahead}) must be shorter than interval ({interval})");
        problems.invalid("spec.signing.rotation", message);
    }
    policy
}

fn custom_scopes(
    problems: &mut ProblemList,
    written: &BTreeMap<String, api::CustomScopeSpec>,
) -> BTreeMap<String, CustomScope> {
    let mut checked = BTreeMap::new();
    for (scope, definition) in written {
        let field = format!("spec.scopes.{scope}");
        if !is_scope(scope) {
            problems.invalid(&field, SCOPE_MESSAGE);
        } else if STANDARD_SCOPES.contains(&scope.as_str()) {
            problems.invalid(&field, "is a standard scope; use another name");
        }
        for (index, claim) in definition.claims.iter().enumerate() {
            if let Some(message) = claim_names::claim_name_refusal(claim) {
                problems.invalid(format!("{field}.claims[{index}]"), message);
            }
        }
        let description = definition.description.clone().unwrap_or_else(|| scope.clone());
        let claims = definition.claims.clone();
        checked.insert(scope.clone(), CustomScope { description, claims });
    }
    checked
}
