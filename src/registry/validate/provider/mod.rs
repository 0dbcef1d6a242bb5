//! Converts an `IdentityProvider` to a validated provider, except for its Secret.

mod authorization_parameters;
mod issuer_template;
mod ldap;
mod mapping;
mod naming;
mod refresh_token;
mod source;
#[cfg(test)]
mod tests;
mod token_claims;

pub use naming::ProviderNaming;
pub use source::secret_field;

use std::time::Duration;

use super::{
    ProblemList, display_name, duration, limits, name, object_name, secret_ref, visible_text,
};
use crate::{
    api::{
        self, AssuranceSpec, ConditionReason, EnumSpec, IdentityProviderSpec, RefreshSpec,
        SecretKeyRef,
    },
    model::{
        AdmissionPolicy, LogoutScope, ObjectKey, ProviderType, RefreshMode, SubjectStrategy,
        UnavailablePolicy,
    },
    protocol::identity_provider::{
        AssuranceRule, IdentityProvider, MappingExample, ProviderPlacement, ProviderSource,
        RefreshPolicy, SubjectRule, check_examples,
    },
    registry::LinkedClient,
};

/// Position on the sign-in page by default.
const DEFAULT_ORDER: u32 = 100;

/// The result of validating a provider.
#[derive(Clone, Debug)]
pub struct ProviderFindings {
    /// The provider, if it can be accepted. A client secret is not read yet.
    pub checked: Option<IdentityProvider>,
    /// The Secret entry with its client secret, if it names one.
    pub secret: Option<SecretKeyRef>,
    /// The names that it gives, even if the object is invalid.
    pub naming: ProviderNaming,
    /// The problems and warnings that were found.
    pub problems: ProblemList,
}

/// Validates a provider. `linked`: the client that it refers to, if it is usable. `dev`: no API server
/// has validated the object.
pub fn validate_provider(
    raw: &api::IdentityProvider,
    key: &ObjectKey,
    linked: Option<&LinkedClient>,
    dev: bool,
) -> ProviderFindings {
    let mut problems = ProblemList::default();
    let spec = &raw.spec;
    name(&mut problems, key);
    object_name(&mut problems, "spec.tenantRef.name", &spec.tenant_ref.name);
    let display_name = display_name(&mut problems, spec.display_name.as_deref(), key);
    let found = source::provider_source(&mut problems, spec, linked);
    let (source, secret) = found.unzip();
    let secret: Option<SecretKeyRef> = secret.flatten();
    secret_refs(&mut problems, spec, secret.as_ref());
    let default_key = || Some(source::default_identity_key(source.as_ref()?, key));
    let written_key = || naming::written_identity_key(spec, &key.name);
    let identity_key = spec.identity_key.clone().or_else(default_key).or_else(written_key);
    check_identity_key(&mut problems, spec.identity_key.as_deref());
    issuer_template::check_identity_key(&mut problems, spec);
    let subject = subject(&mut problems, spec);
    let mappings = mapping::claim_mappings(&mut problems, spec);
    let claim_rules = mapping::claim_rules(&mut problems, &spec.claim_validation_rules);
    let user_rules = mapping::user_rules(&mut problems, &spec.user_validation_rules);
    let admission = admission(&mut problems, spec, source.as_ref());
    let refresh = refresh(&mut problems, spec);
    let logout = logout(&mut problems, spec);
    domains(&mut problems, "spec.emailDomains", &spec.email_domains);
    let sign_in = spec.sign_in.clone().unwrap_or_default();
    domains(&mut problems, "spec.signIn.domains", &sign_in.domains);
    let assurance = assurance(&mut problems, spec);
    limits(&mut problems, raw, dev);
    let naming =
        naming::provider_naming(spec, source.as_ref(), (&mappings, &subject, identity_key));
    let parts =
        source.zip(naming.identity_key.clone()).zip(admission).filter(|_| !problems.refused());
    let checked = parts.map(|((source, identity_key), admission)| IdentityProvider {
        object: key.clone(),
        tenant: spec.tenant_ref.of(key).shared(),
        display_name,
        source,
        identity_key,
        subject,
        mappings,
        email_domains: spec.email_domains.clone(),
        claim_rules,
        user_rules,
        admission,
        refresh,
        assurance,
        logout,
        sign_in: ProviderPlacement {
            order: sign_in.order.unwrap_or(DEFAULT_ORDER),
            domains: sign_in.domains,
            hidden: sign_in.hidden.unwrap_or_default(),
        },
        unreachable: false,
    });
    if let Some(checked) = &checked {
        token_claims::check_read_claims(&mut problems, checked);
        examples(&mut problems, spec, checked);
    }
    let checked = checked.filter(|_| !problems.refused());
    ProviderFindings { checked, secret, naming, problems }
}

fn admission(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
    source: Option<&ProviderSource>,
) -> Option<AdmissionPolicy> {
    let admission = problems.supported("spec.admit", Some(&spec.admit));
    if admission == Some(AdmissionPolicy::ByRules) && !has_rule(spec, source) {
        let message = "ByRules needs a rule in claimValidationRules or userValidationRules, or organizations at GitHub; add one, or set Everyone or Declared";
        problems.invalid("spec.admit", message);
    }
    admission
}

fn secret_refs(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
    credentials: Option<&SecretKeyRef>,
) {
    let credentials = credentials.map(|reference| (source::secret_field(spec), reference));
    for (field, reference) in credentials.into_iter().chain(spec.ca_ref()) {
        secret_ref(problems, field, reference);
    }
}

fn assurance(problems: &mut ProblemList, spec: &IdentityProviderSpec) -> Vec<AssuranceRule> {
    let is_stated = spec.provider_type.supported().is_none_or(|it| it == ProviderType::Oidc);
    if !spec.assurance.is_empty() && !is_stated {
        let message = "is read with the type OIDC only, since GitHub states no acr and no amr, and a sign-in at a directory is pwd; remove it";
        problems.invalid("spec.assurance", message);
    }
    let rule =
        |rule: &AssuranceSpec| AssuranceRule { acr: rule.acr.clone(), amr: rule.amr.clone() };
    spec.assurance.iter().map(rule).collect()
}

fn check_identity_key(problems: &mut ProblemList, written: Option<&str>) {
    let is_word = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if written.is_some_and(|key| !is_word(key)) {
        problems.invalid("spec.identityKey", "must be printable ASCII without spaces");
    }
}

fn has_rule(spec: &IdentityProviderSpec, source: Option<&ProviderSource>) -> bool {
    let is_restricted = match source {
        Some(ProviderSource::GitHub(github)) => github.is_restricted(),
        Some(_) => false,
        // Its problems are reported.
        None => spec.github.is_some(),
    };
    let rules = !spec.claim_validation_rules.is_empty() || !spec.user_validation_rules.is_empty();
    rules || is_restricted
}

fn subject(problems: &mut ProblemList, spec: &IdentityProviderSpec) -> SubjectRule {
    let written = spec.subject.clone().unwrap_or_default();
    let strategy =
        problems.supported("spec.subject.strategy", written.strategy.as_ref()).unwrap_or_default();
    let is_github = spec.provider_type.supported() == Some(ProviderType::GitHub);
    let claim = written.claim.unwrap_or_else(|| if is_github { "id" } else { "sub" }.to_owned());
    if !strategy.accepts_claim(&claim) {
        let message = format!(
            "{claim:?} can pass from one person to another, who would then get the first one's accounts; use a claim that never does, such as sub, or entryUUID in a directory"
        );
        problems.invalid("spec.subject.claim", message);
    }
    issuer_template::check_subject_claim(problems, spec, &claim);
    let is_dex = strategy == SubjectStrategy::Dex;
    if is_dex != written.connector_id.is_some() {
        let message =
            "is set with the strategy Dex, and only then; it is the id of Dex's connector";
        problems.invalid("spec.subject.connectorId", message);
    }
    SubjectRule { claim, strategy, connector_id: written.connector_id.unwrap_or_default() }
}

fn refresh(problems: &mut ProblemList, spec: &IdentityProviderSpec) -> RefreshPolicy {
    let written = spec.refresh.clone().unwrap_or_default();
    let mut period = |field: &str, text: Option<&String>, (least, most), default| {
        let Some(text) = text else { return default };
        let parsed = duration::parse_duration(text);
        if !parsed.is_some_and(|period| (least..=most).contains(&period)) {
            let (least, most) = (duration::write_duration(least), duration::write_duration(most));
            problems.invalid(field, format!("must be a duration between {least} and {most}"));
        }
        parsed.unwrap_or(default)
    };
    let (hours, minute) = (Duration::from_hours, Duration::from_mins(1));
    let interval = period(
        "spec.refresh.interval",
        written.interval.as_ref(),
        (minute, hours(24)),
        Duration::from_mins(15),
    );
    let keep_for =
        period("spec.refresh.keepFor", written.keep_for.as_ref(), (minute, hours(720)), hours(4));
    let provider_type = spec.provider_type.supported();
    let mode = problems
        .supported("spec.refresh.mode", written.mode.as_ref())
        .or_else(|| provider_type.map(RefreshMode::default_of))
        .unwrap_or(RefreshMode::Disabled);
    let unavailable = problems
        .supported("spec.refresh.unavailable", written.unavailable.as_ref())
        .unwrap_or_default();
    let policy = RefreshPolicy { mode, interval, unavailable, keep_for };
    unread_refresh_fields(problems, &written, policy);
    refresh_token::warn_without_refresh_token(problems, spec);
    policy
}

/// Refuses fields that have no effect because of others.
fn unread_refresh_fields(problems: &mut ProblemList, written: &RefreshSpec, policy: RefreshPolicy) {
    if matches!(written.mode, Some(EnumSpec::Unsupported(_))) {
        return;
    }
    for (field, is_set) in [
        ("interval", written.interval.is_some()),
        ("unavailable", written.unavailable.is_some()),
        ("keepFor", written.keep_for.is_some()),
    ] {
        if is_set && policy.mode == RefreshMode::Disabled {
            let message =
                "is read with mode: Upstream only; set refresh.mode to it, or remove the field";
            problems.invalid(format!("spec.refresh.{field}"), message);
        }
    }
    if policy.mode == RefreshMode::Disabled || written.keep_for.is_none() {
        return;
    }
    if policy.unavailable == UnavailablePolicy::Refuse {
        let message = "is read with unavailable: KeepFor only; remove one of the two";
        problems.invalid("spec.refresh.keepFor", message);
    } else if policy.keep_for < policy.interval {
        let interval = duration::write_duration(policy.interval);
        let message = format!(
            "must be at least refresh.interval, {interval}, for which claims are accepted in any case; raise it, or set unavailable: Refuse"
        );
        problems.invalid("spec.refresh.keepFor", message);
    }
}

fn logout(problems: &mut ProblemList, spec: &IdentityProviderSpec) -> LogoutScope {
    let scope = problems.supported("spec.logout", spec.logout.as_ref()).unwrap_or_default();
    let provider_type = spec.provider_type.supported();
    if scope == LogoutScope::Upstream && provider_type != Some(ProviderType::Oidc) {
        let message =
            "must be Local unless type is OIDC, since only OpenID providers have a sign-out";
        problems.invalid("spec.logout", message);
    }
    scope
}

fn domains(problems: &mut ProblemList, field: &str, written: &[String]) {
    for (index, domain) in written.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        let good = !domain.is_empty()
            && domain.chars().all(plain)
            && !domain.split('.').any(str::is_empty);
        if !good {
            let message = "must be a domain in lower case, such as example.com";
            problems.invalid(format!("{field}[{index}]"), message);
        }
    }
}

fn examples(problems: &mut ProblemList, spec: &IdentityProviderSpec, checked: &IdentityProvider) {
    let example = |written: &api::ExampleSpec| MappingExample {
        claims: written.claims.clone(),
        expects: written.expects.clone(),
    };
    let examples: Vec<_> = spec.examples.iter().map(example).collect();
    for (index, result) in check_examples(checked, &examples).into_iter().enumerate() {
        if let Err(failure) = result {
            let field = format!("spec.examples[{index}]");
            problems.add_refusal(ConditionReason::ExampleFailed, field, failure);
        }
    }
}
