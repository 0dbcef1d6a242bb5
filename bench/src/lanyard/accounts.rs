//! A person with very many sessions and applications, for the account page.

use std::{fmt::Write as _, sync::Arc};

use anyhow::Result;

use crate::{
    target::Target,
    work::{Work, Worker},
};

/// The number of applications that the person has granted permissions to.
pub const APPLICATIONS: usize = 500;
/// Sign-ins, which are more than sessions are kept: the oldest beyond 50 end.
const SIGN_INS: usize = 200;

const TENANT: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: accounts}
spec: {signing: {algorithms: [ES256, RS256]}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada-accounts}
spec:
  tenantRef: {name: accounts}
  username: ada
  passwordSecretRef: {name: password}
  name: Ada Example
";

/// The name of an application.
pub fn client(number: usize) -> String {
    format!("app-accounts-{number}")
}

/// The manifests of the tenant `accounts`.
pub fn manifests() -> String {
    let mut text = TENANT.to_owned();
    for number in 0..APPLICATIONS {
        let name = client(number);
        let _ = write!(
            text,
            "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: accounts}}
  clientName: Application {number}
  clientUri: https://{name}.test
  redirectUris: ['http://127.0.0.1:9/callback']
  grantTypes: [authorization_code, refresh_token, 'urn:ietf:params:oauth:grant-type:device_code']
  scopes: [openid, profile, email, offline_access]
  idTokenSignedResponseAlg: ES256
  secretRef: {{name: app-secret}}
"
        );
    }
    text
}

/// Signs the person in again and again, and then in to all applications.
///
/// # Errors
///
/// The server refuses.
pub async fn fill(target: &Arc<Target>) -> Result<()> {
    eprintln!("sessions and applications of one person ..");
    for _ in 0..SIGN_INS {
        Worker::new(Arc::clone(target), 0)?.prepare(Work::Session).await?;
    }
    let mut worker = Worker::new(Arc::clone(target), 0)?;
    for number in 0..APPLICATIONS {
        let client = format!("default.{}", client(number));
        worker.enter(Arc::new(target.with_client(client))).await?;
    }
    Ok(())
}
