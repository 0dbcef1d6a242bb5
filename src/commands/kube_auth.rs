//! `lanyard kube-auth`: prints the file by which an API server accepts the ID tokens of a tenant
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration>).

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::Serialize;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::runtime::build_runtime;
use crate::{api::Tenant, cli::KubeAuthArgs, model::Issuer, source::manifests::to_yaml};

/// Runs `lanyard kube-auth`: prints an `AuthenticationConfiguration` for the API server, as YAML.
pub fn run_kube_auth(args: &KubeAuthArgs) -> Result<()> {
    let issuer = if args.tenant.contains("://") {
        args.tenant.clone()
    } else {
        build_runtime()?.block_on(issuer_in_cluster(args))?
    };
    let authority = args.ca_file.as_deref().map(read_authority).transpose()?;
    let configuration = authentication_configuration(args, &issuer, authority)?;
    io::stdout().write_all(to_yaml(&configuration).as_bytes())?;
    Ok(())
}

/// The issuer of a Tenant in the cluster of the kubeconfig.
async fn issuer_in_cluster(args: &KubeAuthArgs) -> Result<String> {
    let Some((namespace, name)) = args.tenant.split_once('/') else {
        bail!(
            "{:?} is neither NAMESPACE/NAME of a Tenant nor an issuer URL; write one such as identity/main",
            args.tenant
        );
    };
    let kubeconfig = Kubeconfig::read().context("could not read the kubeconfig; set KUBECONFIG, or name the issuer URL instead of the Tenant")?;
    let options = KubeConfigOptions { context: args.context.clone(), ..Default::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let client = Client::try_from(config.context("could not use the kubeconfig")?)?;
    let tenants: Api<Tenant> = Api::namespaced(client, namespace);
    let found = tenants.get_opt(name).await;
    let found = found.with_context(|| format!("could not read the Tenant {}", args.tenant))?;
    let Some(tenant) = found else {
        bail!(
            "the cluster has no Tenant {}; see `kubectl get tenants.lanyard.dev --all-namespaces`",
            args.tenant
        );
    };
    let issuer = tenant.status.and_then(|status| status.issuer);
    issuer.with_context(|| {
        format!(
            "the Tenant {} has no issuer yet; see its conditions by `kubectl describe tenants.lanyard.dev {name} --namespace {namespace}`",
            args.tenant
        )
    })
}

/// The text of a file of certificates.
fn read_authority(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let count = parsed.with_context(|| file.display().to_string())?.len();
    ensure!(
        count > 0,
        "{} has no certificate; it must have those of an authority in PEM format",
        file.display()
    );
    Ok(text)
}

/// Builds the configuration. Usernames and groups of Kubernetes itself (`system:`) are refused, whatever the prefixes.
fn authentication_configuration(
    args: &KubeAuthArgs,
    issuer: &str,
    certificate_authority: Option<String>,
) -> Result<AuthenticationConfiguration> {
    let parsed = Issuer::parse(issuer).with_context(|| format!("the issuer {issuer:?}"))?;
    ensure!(
        parsed.as_str().starts_with("https://"),
        "the issuer {issuer} has no TLS, and an API server accepts https issuers only; set spec.issuer or the installation's baseUrl to an https URL"
    );
    for (flag, claim) in
        [("--username-claim", &args.username_claim), ("--groups-claim", &args.groups_claim)]
    {
        ensure!(!claim.is_empty(), "{flag} is empty; it must be the name of a claim of ID tokens");
    }
    let audiences = args.client_id.clone();
    let audience_match_policy = (audiences.len() > 1).then_some("MatchAny");
    let authenticator = JwtAuthenticator {
        issuer: JwtIssuer {
            url: issuer.to_owned(),
            audiences,
            audience_match_policy,
            certificate_authority,
        },
        claim_mappings: KubeClaimMappings {
            username: PrefixedClaim {
                claim: args.username_claim.clone(),
                prefix: args.username_prefix.clone(),
            },
            groups: PrefixedClaim {
                claim: args.groups_claim.clone(),
                prefix: args.groups_prefix.clone(),
            },
            uid: MappedClaim { claim: "sub" },
        },
        user_validation_rules: vec![
            UserValidationRule {
                expression: "!user.username.startsWith('system:')",
                message: "the username has the prefix system:, which is reserved",
            },
            UserValidationRule {
                expression: "user.groups.all(group, !group.startsWith('system:'))",
                message: "a group has the prefix system:, which is reserved",
            },
        ],
    };
    Ok(AuthenticationConfiguration {
        api_version: format!("apiserver.config.k8s.io/{}", args.config_version),
        kind: "AuthenticationConfiguration",
        jwt: vec![authenticator],
    })
}

/// The file of `--authentication-config`, as far as it is written here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationConfiguration {
    api_version: String,
    kind: &'static str,
    jwt: Vec<JwtAuthenticator>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JwtAuthenticator {
    issuer: JwtIssuer,
    claim_mappings: KubeClaimMappings,
    user_validation_rules: Vec<UserValidationRule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JwtIssuer {
    url: String,
    audiences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience_match_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_authority: Option<String>,
}

#[derive(Debug, Serialize)]
struct KubeClaimMappings {
    username: PrefixedClaim,
    groups: PrefixedClaim,
    uid: MappedClaim,
}

#[derive(Debug, Serialize)]
struct PrefixedClaim {
    claim: String,
    prefix: String,
}

#[derive(Debug, Serialize)]
struct MappedClaim {
    claim: &'static str,
}

#[derive(Debug, Serialize)]
struct UserValidationRule {
    expression: &'static str,
    message: &'static str,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn printed(flags: &[&str]) -> Result<String, String> {
        let line = ["lanyard", "kube-auth"].iter().chain(flags);
        let Command::KubeAuth(args) = Cli::try_parse_from(line).expect("valid flags").command
        else {
            panic!("another command");
        };
        let authority = args.ca_file.as_ref().map(|_| "-----BEGIN".to_owned());
        let configuration = authentication_configuration(&args, &args.tenant, authority);
        configuration.map(|it| to_yaml(&it)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn one_tenant_signs_people_in_at_several_clusters() {
        let one = printed(&["https://id.test/team/main"]).expect("printed");
        assert!(one.contains("apiVersion: apiserver.config.k8s.io/v1\n"), "{one}");
        assert!(one.contains("audiences:\n    - kubectl\n"), "{one}");
        assert!(!one.contains("audienceMatchPolicy") && !one.contains("certificateAuthority"));
        assert!(one.contains("username:\n      claim: email\n      prefix: ''\n"), "{one}");
        assert!(one.contains("groups:\n      claim: groups\n      prefix: 'oidc:'\n"), "{one}");
        assert!(one.contains("uid:\n      claim: sub\n"), "{one}");
        let more = ["https://id.test/team/main", "--client-id=a", "--client-id=b"];
        let more = printed(&[&more[..], &["--config-version=v1beta1", "--ca-file=x"]].concat());
        let more = more.expect("printed");
        assert!(more.contains("audiences:\n    - a\n    - b\n"), "{more}");
        assert!(more.contains("audienceMatchPolicy: MatchAny"), "{more}");
        assert!(more.contains("v1beta1") && more.contains("certificateAuthority"), "{more}");
    }

    #[test]
    fn an_issuer_that_no_api_server_accepts_is_refused() {
        for (flags, words) in [
            (&["http://localhost:8080/default/shop"][..], "accepts https issuers only"),
            (&["https://id.test/?x=1"], "the issuer"),
            (&["https://id.test/a", "--groups-claim="], "--groups-claim is empty"),
        ] {
            let message = printed(flags).expect_err("refused");
            assert!(message.contains(words), "{message}");
        }
    }
}
