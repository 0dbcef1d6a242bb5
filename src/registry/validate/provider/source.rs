//! How a provider is asked: the member that `type` names.

use url::Url;

use super::{
    ProblemList, authorization_parameters::authorization_parameters,
    issuer_template::check_issuer_template, ldap::ldap_settings, object_name, visible_text,
};
use crate::{
    api::{
        EnumSpec, GitHubProviderSpec, IdentityProviderSpec, LocalClientRef, OidcProviderSpec,
        SecretKeyRef,
    },
    model::{
        AccountSelection, GitHubOrganizationPolicy, ObjectKey, ProviderType, RefreshMode, Secret,
        UserinfoUse,
    },
    protocol::identity_provider::{
        GitHubUpstream, OidcUpstream, ProviderSource, UpstreamCredentials,
    },
    registry::{LinkedClient, validate::SCOPE_MESSAGE},
};

/// The host of github.com, as opposed to a GitHub Enterprise Server.
pub(super) const GITHUB: &str = "github.com";

/// The source, and the Secret entry with its client secret. Secrets are read later.
pub(super) fn provider_source(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
    linked: Option<&LinkedClient>,
) -> Option<(ProviderSource, Option<SecretKeyRef>)> {
    let provider_type = problems.supported("spec.type", Some(&spec.provider_type))?;
    for (member, set, of_type) in [
        ("oidc", spec.oidc.is_some(), ProviderType::Oidc),
        ("github", spec.github.is_some(), ProviderType::GitHub),
        ("ldap", spec.ldap.is_some(), ProviderType::Ldap),
    ] {
        if set != (provider_type == of_type) {
            let message = if set {
                format!("belongs to the type {of_type}, but type is {provider_type}; remove it")
            } else {
                format!("must be set, since type is {provider_type}")
            };
            problems.invalid(format!("spec.{member}"), message);
        }
    }
    match provider_type {
        ProviderType::Oidc => {
            let before = problems.len();
            let oidc = spec.oidc.as_ref()?;
            let written = written_scopes(problems, oidc);
            let userinfo = problems
                .supported("spec.oidc.userinfo", oidc.userinfo.as_ref())
                .unwrap_or_default();
            let account_selection = problems
                .supported("spec.oidc.accountSelection", oidc.account_selection.as_ref())
                .unwrap_or_default();
            let upstream = match &oidc.client_ref {
                Some(reference) => linked_upstream(problems, spec, (oidc, reference), linked),
                None => own_upstream(problems, oidc),
            }?;
            let scopes = if written.is_empty() { upstream.scopes.clone() } else { written };
            let authorization_parameters = authorization_parameters(problems, oidc);
            let source = ProviderSource::Oidc(OidcUpstream {
                scopes,
                authorization_parameters,
                userinfo,
                account_selection,
                ..upstream
            });
            (problems.len() == before).then(|| (source, oidc.client_secret_ref.clone()))
        }
        ProviderType::GitHub => github(problems, spec.github.as_ref()?),
        ProviderType::Ldap => {
            let spec = spec.ldap.as_ref()?;
            let account = SecretKeyRef { name: spec.bind_secret_ref.name.clone(), key: None };
            let settings = ldap_settings(problems, spec)?;
            Some((ProviderSource::Ldap(Box::new(settings)), Some(account)))
        }
    }
}

/// The field with the reference to the client secret.
pub fn secret_field(spec: &IdentityProviderSpec) -> &'static str {
    match (&spec.github, &spec.ldap) {
        (Some(_), _) => "spec.github.clientSecretRef",
        (_, Some(_)) => "spec.ldap.bindSecretRef",
        _ => "spec.oidc.clientSecretRef",
    }
}

/// The default identity key of a provider.
pub(super) fn default_identity_key(source: &ProviderSource, key: &ObjectKey) -> String {
    match source {
        ProviderSource::Ldap(_) => key.name.to_string(),
        ProviderSource::Oidc(oidc) => oidc.issuer.clone(),
        ProviderSource::GitHub(github) => github.host.clone(),
    }
}

/// The scopes that the manifest names.
fn written_scopes(problems: &mut ProblemList, spec: &OidcProviderSpec) -> Vec<String> {
    for (index, scope) in spec.scopes.iter().enumerate() {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if scope.is_empty() || !scope.bytes().all(plain) {
            problems.invalid(format!("spec.oidc.scopes[{index}]"), SCOPE_MESSAGE);
        }
    }
    if !spec.scopes.is_empty() && !spec.scopes.iter().any(|scope| scope == "openid") {
        problems.invalid("spec.oidc.scopes", "must contain openid; add it");
    }
    spec.scopes.clone()
}

/// The provider that the manifest describes. Its client secret is read later.
fn own_upstream(problems: &mut ProblemList, spec: &OidcProviderSpec) -> Option<OidcUpstream> {
    let issuer = spec.issuer.clone().unwrap_or_default();
    let url = Url::parse(&issuer).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if url.is_none() {
        let message = "must be the provider's issuer, an absolute URL without query and fragment, such as https://login.example.com; or set clientRef";
        problems.invalid("spec.oidc.issuer", message);
    }
    let client_id = spec.client_id.clone().unwrap_or_default();
    visible_text(problems, "spec.oidc.clientId", &client_id);
    let credentials = own_credentials(problems, spec);
    check_issuer_template(problems, spec);
    url.map(|_| OidcUpstream {
        issuer,
        tenant_ids: spec.tenant_ids.clone(),
        client_id,
        credentials,
        linked: None,
        certificates: None,
        scopes: Vec::new(),
        authorization_parameters: Vec::new(),
        userinfo: UserinfoUse::default(),
        account_selection: AccountSelection::default(),
    })
}

/// How the tenant authenticates there, except for a client secret.
fn own_credentials(problems: &mut ProblemList, spec: &OidcProviderSpec) -> UpstreamCredentials {
    const FIELD: &str = "spec.oidc.privateKeyJwt";
    let Some(written) = &spec.private_key_jwt else { return UpstreamCredentials::None };
    if spec.client_secret_ref.is_some() {
        let message = "replaces the client secret; remove it, or clientSecretRef";
        problems.invalid(FIELD, message);
    }
    UpstreamCredentials::PrivateKeyJwt {
        algorithm: problems.supported(format!("{FIELD}.algorithm"), written.algorithm.as_ref()),
        audience: problems
            .supported(format!("{FIELD}.audience"), written.audience.as_ref())
            .unwrap_or_default(),
    }
}

/// The provider that is another tenant of this installation.
fn linked_upstream(
    problems: &mut ProblemList,
    spec: &IdentityProviderSpec,
    (oidc, reference): (&OidcProviderSpec, &LocalClientRef),
    linked: Option<&LinkedClient>,
) -> Option<OidcUpstream> {
    object_name(problems, "spec.oidc.clientRef.name", &reference.name);
    for (name, set) in [
        ("issuer", oidc.issuer.is_some()),
        ("clientId", oidc.client_id.is_some()),
        ("clientSecretRef", oidc.client_secret_ref.is_some()),
        ("tenantIds", !oidc.tenant_ids.is_empty()),
        ("privateKeyJwt", oidc.private_key_jwt.is_some()),
        ("caRef", oidc.ca_ref.is_some()),
    ] {
        if set {
            let message = "comes from the client that clientRef names; remove one of the two";
            problems.invalid(format!("spec.oidc.{name}"), message);
        }
    }
    let linked = linked?;
    let mode = spec.refresh.as_ref().and_then(|refresh| refresh.mode.as_ref());
    let refreshes = mode == Some(&EnumSpec::Supported(RefreshMode::Upstream));
    let usual = ["openid", "profile", "email", "groups"].into_iter();
    let usual = usual.chain(refreshes.then_some("offline_access"));
    Some(OidcUpstream {
        issuer: linked.issuer.to_string(),
        tenant_ids: Vec::new(),
        client_id: linked.client_id.to_string(),
        credentials: linked.credentials.clone(),
        linked: Some(linked.tenant.clone()),
        certificates: None,
        // Scopes that the client may not request would be refused.
        scopes: usual.filter(|it| linked.scopes.contains(*it)).map(str::to_owned).collect(),
        authorization_parameters: Vec::new(),
        userinfo: UserinfoUse::default(),
        account_selection: AccountSelection::default(),
    })
}

/// Validates that a list of organizations restricts, and that a restriction lists them.
fn organization_names(
    problems: &mut ProblemList,
    policy: GitHubOrganizationPolicy,
    names: &[String],
) {
    let message = match policy {
        GitHubOrganizationPolicy::Any if !names.is_empty() => {
            "is not read with policy: Any; set policy: Listed, or remove the names"
        }
        GitHubOrganizationPolicy::Listed if names.is_empty() => {
            "must list the organizations whose members may sign in; or set policy: Any"
        }
        GitHubOrganizationPolicy::Any | GitHubOrganizationPolicy::Listed => return,
    };
    problems.invalid("spec.github.organizations.names", message);
}

fn github(
    problems: &mut ProblemList,
    spec: &GitHubProviderSpec,
) -> Option<(ProviderSource, Option<SecretKeyRef>)> {
    let before = problems.len();
    let host = spec.host.clone().unwrap_or_else(|| GITHUB.to_owned());
    let is_host = Url::parse(&format!("https://{host}/")).is_ok_and(|url| {
        let written = url.port().map_or_else(
            || url.host_str().unwrap_or_default().to_owned(),
            |port| format!("{}:{port}", url.host_str().unwrap_or_default()),
        );
        written == host && url.path() == "/"
    });
    if !is_host {
        let message = "must be a host name in lower case, with a port if it is not 443";
        problems.invalid("spec.github.host", message);
    }
    visible_text(problems, "spec.github.clientId", &spec.client_id);
    let organizations = spec.organizations.clone().unwrap_or_default();
    let policy = problems
        .supported("spec.github.organizations.policy", organizations.policy.as_ref())
        .unwrap_or_default();
    if spec.organizations.is_some() {
        organization_names(problems, policy, &organizations.names);
    }
    let groups = spec.groups.clone().unwrap_or_default();
    let team_names =
        problems.supported("spec.github.groups.teams", groups.teams.as_ref()).unwrap_or_default();
    let source = ProviderSource::GitHub(GitHubUpstream {
        host,
        client_id: spec.client_id.clone(),
        client_secret: Secret::new(String::new()),
        certificates: None,
        organization_policy: policy,
        organizations: organizations.names.iter().map(|it| it.to_ascii_lowercase()).collect(),
        team_names,
        team_parents: groups.parents.unwrap_or_default(),
    });
    (problems.len() == before).then(|| (source, Some(spec.client_secret_ref.clone())))
}
