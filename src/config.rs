//! Raw flags → checked configuration. Every error names the flag and what to write.

use std::sync::Arc;

use ipnet::IpNet;

use crate::{
    cli::{MutualTlsArgs, RunArgs, ServeArgs},
    messages::Languages,
    model::{
        HostPattern, HostPermission, HostSettings, Installation, InternalHost, Issuer, KeySecrets,
        MutualTlsUrl, ObjectKey, SecretPermission, SecretPermissions,
    },
};

/// A flag whose value is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flag} {value:?}: {remedy}")]
pub struct ConfigError {
    flag: &'static str,
    value: String,
    remedy: String,
}

impl ConfigError {
    fn new(flag: &'static str, value: &str, remedy: impl Into<String>) -> Self {
        Self { flag, value: value.to_owned(), remedy: remedy.into() }
    }
}

/// Builds the configuration that validation depends on, for `run`.
pub fn check_installation(args: &RunArgs) -> Result<Installation, ConfigError> {
    Ok(Installation {
        base_url: base_url(&args.base_url)?,
        hosts: HostSettings {
            issuer_hosts: host_permissions("--issuer-hosts", &args.permissions.issuer_hosts)?,
            internal_hosts: internal_hosts(&args.serve)?,
            insecure_http_hosts: host_permissions(
                "--insecure-http-hosts",
                &args.permissions.insecure_http_hosts,
            )?,
            upstream_hosts: host_permissions("--upstream-hosts", &args.permissions.upstream_hosts)?,
        },
        client_secrets: SecretPermissions {
            keys: secret_permissions("--client-secret-keys", &args.permissions.client_secret_keys)?,
            names: secret_permissions(
                "--client-secret-names",
                &args.permissions.client_secret_names,
            )?,
        },
        dev: false,
        keeps_authenticators: args.store.keeps_authenticators(),
        mutual_tls: mutual_tls_url(&args.serve)?,
        key_secrets: KeySecrets::new(&args.namespace, &format!("{}-", args.release_name)),
        languages: Languages::built_in(),
    })
}

/// `--base-url`: an issuer URL. A trailing slash is removed.
pub fn base_url(text: &str) -> Result<Issuer, ConfigError> {
    Issuer::parse(text.trim_end_matches('/'))
        .map_err(|error| ConfigError::new("--base-url", text, error.to_string()))
}

/// Entries `HOST=NAMESPACE,..`, without empty ones.
fn host_permissions(
    flag: &'static str,
    written: &[String],
) -> Result<Vec<HostPermission>, ConfigError> {
    entries(written).map(|entry| host_permission(flag, entry)).collect()
}

fn host_permission(flag: &'static str, entry: &str) -> Result<HostPermission, ConfigError> {
    let remedy = "write HOST=NAMESPACE,.. such as \"*.example.com=team-a,team-b\", or \"=*\" for every namespace";
    let permission = permission(entry).and_then(|(host, namespaces)| {
        Some(HostPermission { pattern: HostPattern::parse(host)?, namespaces })
    });
    permission.ok_or_else(|| ConfigError::new(flag, entry, remedy))
}

/// Entries `PATTERN=NAMESPACE,..` for client Secrets, without empty ones.
fn secret_permissions(
    flag: &'static str,
    written: &[String],
) -> Result<Vec<SecretPermission>, ConfigError> {
    let remedy = "write NAME=NAMESPACE,.. such as \"argocd.argoproj.io/secret-type=argocd\" or \"argocd.argoproj.io/*=argocd\", or \"=*\" for every namespace";
    let read = |entry: &str| {
        let (pattern, namespaces) = permission(entry)?;
        SecretPermission::new(pattern, namespaces)
    };
    entries(written)
        .map(|entry| read(entry).ok_or_else(|| ConfigError::new(flag, entry, remedy)))
        .collect()
}

fn entries(written: &[String]) -> impl Iterator<Item = &str> {
    written.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty())
}

/// A pattern and at least one namespace.
fn permission(entry: &str) -> Option<(&str, Vec<String>)> {
    let (pattern, namespaces) = entry.split_once('=')?;
    let namespaces: Vec<String> = namespaces
        .split(',')
        .map(|namespace| namespace.trim().to_owned())
        .filter(|namespace| !namespace.is_empty())
        .collect();
    (!namespaces.is_empty()).then_some((pattern.trim(), namespaces))
}

/// `--internal-hosts`: URLs, each with the namespaces whose tenants it serves (default: all).
pub fn internal_hosts(args: &ServeArgs) -> Result<Arc<[InternalHost]>, ConfigError> {
    let entries = args.internal_hosts.iter().map(|entry| entry.trim());
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (url, namespaces) = entry.split_once('=').unwrap_or((entry, "*"));
            let namespaces = namespaces.split(',').map(|namespace| namespace.trim().to_owned());
            let namespaces = namespaces.filter(|namespace| !namespace.is_empty()).collect();
            InternalHost::parse(url.trim(), namespaces).ok_or_else(|| {
                let remedy = "write scheme, host and port such as http://lanyard.sso.svc:8080, or URL=NAMESPACE,.. for some namespaces";
                ConfigError::new("--internal-hosts", entry, remedy)
            })
        })
        .collect()
}

/// `--mtls-url`, if a listener asks for certificates.
pub fn mutual_tls_url(args: &ServeArgs) -> Result<Option<MutualTlsUrl>, ConfigError> {
    let MutualTlsArgs { mtls_listen, mtls_proxy_listen, mtls_url, .. } = &args.mutual_tls;
    let is_served = mtls_listen.is_some() || mtls_proxy_listen.is_some();
    let Some(text) = mtls_url.as_deref().filter(|_| is_served) else { return Ok(None) };
    let remedy = "write https and {host} for the issuer's host, such as https://mtls.{host} or https://{host}:8443";
    let url = MutualTlsUrl::parse(text);
    url.map(Some).ok_or_else(|| ConfigError::new("--mtls-url", text, remedy))
}

/// `--trusted-proxies`: CIDRs. An address without a prefix length means that address only.
pub fn trusted_proxies(args: &ServeArgs) -> Result<Vec<IpNet>, ConfigError> {
    nets("--trusted-proxies", &args.trusted_proxies)
}

/// `--fetch-allow`: CIDRs. An address without a prefix length means that address only.
pub fn fetch_allow(args: &ServeArgs) -> Result<Vec<IpNet>, ConfigError> {
    nets("--fetch-allow", &args.fetch_allow)
}

fn nets(flag: &'static str, written: &[String]) -> Result<Vec<IpNet>, ConfigError> {
    let written = written.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    written
        .map(|text| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| ConfigError::new(flag, text, "write CIDRs such as 10.0.0.0/8"))
        })
        .collect()
}

/// `--hosts-config-map`, in the installation's namespace.
pub fn hosts_config_map(args: &RunArgs) -> Option<ObjectKey> {
    let name = args.hosts_config_map.as_deref().map(str::trim).filter(|name| !name.is_empty())?;
    Some(ObjectKey::new(&args.namespace, name))
}

/// `--watch-namespaces` without empty entries.
pub fn watch_namespaces(args: &RunArgs) -> Vec<String> {
    args.watch_namespaces.iter().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect()
}

/// `--watch-namespaces-selector`, unless it is empty.
pub fn watch_namespaces_selector(args: &RunArgs) -> Option<String> {
    let selector = args.watch_namespaces_selector.as_deref().map(str::trim);
    selector.filter(|selector| !selector.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_and_their_namespaces() {
        let entry =
            host_permission("--issuer-hosts", "*.example.com=team-a, team-b").expect("valid");
        assert!(entry.pattern.matches("id.example.com"));
        assert!(!entry.pattern.matches("example.com"));
        assert_eq!(entry.namespaces, ["team-a", "team-b"]);
    }

    #[test]
    fn reads_what_client_secrets_may_have() {
        let text = |it: &str| vec![it.to_owned(), String::new()];
        let keys = secret_permissions("--client-secret-keys", &text("argoproj.io/*=a, b"));
        let permissions = SecretPermissions { keys: keys.expect("valid"), names: vec![] };
        assert!(permissions.allow_key("argoproj.io/x", "b"));
        assert!(!permissions.allow_key("argoproj.io/x", "c"));
        for wrong in ["argoproj.io/x", "argoproj.io/x=", "*/x=a", "=a"] {
            let error = secret_permissions("--client-secret-keys", &text(wrong));
            let error = error.expect_err(wrong).to_string();
            assert!(error.starts_with("--client-secret-keys") && error.contains("NAME=NAMESPACE"));
        }
    }

    #[test]
    fn errors_state_the_remedy() {
        for wrong in ["example.com", "example.com=", "a*.example.com=x", "=x"] {
            let error = host_permission("--insecure-http-hosts", wrong).expect_err(wrong);
            let error = error.to_string();
            assert!(error.starts_with("--insecure-http-hosts"), "{error}");
            assert!(error.contains("HOST=NAMESPACE"), "{error}");
        }
        let error = base_url("id.example.com").expect_err("no URL").to_string();
        assert!(error.starts_with("--base-url \"id.example.com\": must be an absolute"), "{error}");
    }

    #[test]
    fn removes_a_trailing_slash_of_the_base_url() {
        assert_eq!(
            base_url("https://id.example.com/").expect("valid").as_str(),
            "https://id.example.com"
        );
    }
}
