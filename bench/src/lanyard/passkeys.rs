//! People with passkeys: one for each connection, because each worker sets up a passkey of its own.

use std::fmt::Write as _;

/// The most workers that can sign in with passkeys.
const PEOPLE: usize = 64;

const TENANT: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: passkeys}
spec: {signing: {algorithms: [ES256, RS256]}, authenticators: {passkeys: Optional}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: app-passkeys}
spec:
  tenantRef: {name: passkeys}
  clientName: Bench
  redirectUris: ['http://127.0.0.1:9/callback']
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, profile, email, offline_access]
  idTokenSignedResponseAlg: ES256
  secretRef: {name: app-secret}
";

/// The usernames `person-0`, `person-1`, and so on.
pub fn people() -> impl Iterator<Item = String> {
    (0..PEOPLE).map(|number| format!("person-{number}"))
}

/// The manifests of the tenant `passkeys`.
pub fn manifests() -> String {
    let mut text = TENANT.to_owned();
    for name in people() {
        let _ = write!(
            text,
            "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {{name: {name}}}
spec:
  tenantRef: {{name: passkeys}}
  username: {name}
  passwordSecretRef: {{name: password}}
"
        );
    }
    text
}
