//! The certificate of a client that authenticates with `tls_client_auth`.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::api::{SecretKeyRef, rules::client};

/// The certificate of a client that authenticates with `tls_client_auth` (RFC 8705). It is known by exactly one of its
/// names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = client::one_certificate_name())]
pub struct TlsClientAuthSpec {
    /// The Secret with the certificates (PEM) of the authorities that issue the client's certificate. Default key:
    /// `ca.crt`.
    pub ca_ref: SecretKeyRef,
    /// The subject of the certificate, as in RFC 4514: `CN=ledger,O=Acme,C=SE`, the root last. `openssl x509 -subject
    /// -nameopt RFC2253` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 512))]
    pub subject_dn: Option<String>,
    /// A DNS name among the certificate's alternative names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub san_dns: Option<String>,
    /// A URI among the certificate's alternative names, such as a SPIFFE ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub san_uri: Option<String>,
    /// An IP address among the certificate's alternative names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub san_ip: Option<String>,
    /// An e-mail address among the certificate's alternative names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 254))]
    pub san_email: Option<String>,
}
