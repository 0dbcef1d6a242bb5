//! The validation of many identity providers, by `lanyard check`.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const TENANTS: usize = 5000;
/// The number of identity providers of each tenant.
const EACH: usize = 2;
/// The number of identity providers of all tenants.
pub const PROVIDERS: usize = TENANTS * EACH;

const TENANT: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team-TENANT}
spec: {}
---
apiVersion: v1
kind: Secret
metadata: {name: upstream, namespace: team-TENANT}
stringData: {client-secret: a-secret-of-at-least-thirty-two-characters}
";

/// With expressions, rules and an example, all of which are compiled and judged.
const PROVIDER: &str = r#"---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: corp-NUMBER, namespace: team-TENANT}
spec:
  tenantRef: {name: main}
  type: OIDC
  oidc:
    issuer: https://corp-NUMBER.team-TENANT.test
    clientId: lanyard
    clientSecretRef: {name: upstream}
  emailDomains: [corp-NUMBER.test]
  claimMappings:
    username: {claim: preferred_username, prefix: "corp-NUMBER:"}
    emailVerified: {expression: "claims.?email_verified.orValue(false) == true"}
    groups: {claim: groups, include: ["k8s-*"], prefix: "corp-NUMBER:"}
  claimValidationRules: [{claim: hd, requiredValue: acme.test}]
  userValidationRules: [{expression: "user.groups.exists(g, g.endsWith('k8s-users'))"}]
  examples:
  - claims: {sub: "1", preferred_username: ada, hd: acme.test, groups: [k8s-users, other]}
    expects: {username: "corp-NUMBER:ada", groups: ["corp-NUMBER:k8s-users"]}
  admit: ByRules
"#;

/// Manifests of all of them, a file for each tenant.
///
/// # Errors
///
/// They cannot be written.
pub fn write() -> Result<TempDir> {
    let folder = TempDir::new_in("target").context("making a folder in target/")?;
    for tenant in 0..TENANTS {
        let mut text = TENANT.to_owned();
        for number in 0..EACH {
            write!(text, "{}", PROVIDER.replace("NUMBER", &number.to_string()))?;
        }
        let text = text.replace("TENANT", &tenant.to_string());
        fs::write(folder.path().join(format!("{tenant}.yaml")), text)?;
    }
    Ok(folder)
}

/// The time in which they are read and validated, on the core of the caller.
///
/// # Errors
///
/// One of them is refused.
pub fn validated_in(binary: &Path, folder: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let output = Command::new(binary).arg("check").arg(folder).output()?;
    let took = begun.elapsed();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout).chars().take(1000).collect::<String>();
        bail!("lanyard check refuses identity providers: {text}");
    }
    Ok(took)
}
