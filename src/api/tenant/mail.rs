//! The mail server of a tenant.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        EnumSpec, SecretKeyRef,
        rules::{self, tenant},
    },
    model::SmtpTls,
};

/// The mail server (SMTP) that sends mail to the people of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = tenant::credentials_are_encrypted())]
#[x_kube(validation = tenant::certificate_only_with_tls())]
pub struct MailSpec {
    /// Host name of the server, or its IP address. An address inside the network has to be listed in the
    /// installation's `upstreamHosts`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = tenant::mail_host())]
    pub host: String,
    /// Port of the server. Default: 587 with `StartTls`, 465 with `Implicit`, 25 with `Disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// How the connection is encrypted. `StartTls` (default): a server that does not offer STARTTLS gets no
    /// mail. `Implicit`: TLS from the beginning. `Disabled`: none, for a relay inside the network whose address
    /// the installation lists in `fetch.allowCidrs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<EnumSpec<SmtpTls>>,
    /// The sender's address, such as `id@example.com`. The sender's name is the tenant's display name.
    #[schemars(length(min = 3, max = 254))]
    #[x_kube(validation = tenant::mail_address())]
    pub from: String,
    /// The Secret with the account of the tenant at the server, with the entries `username` and `password`, as in the
    /// type `kubernetes.io/basic-auth`. Absent: the server asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<MailCredentialsSecretRef>,
    /// The Secret with the PEM certificates that the server's certificate is verified with. Default
    /// key: `ca.crt`. Absent: those that the installation trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<SecretKeyRef>,
}

/// The Secret with the account at a mail server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailCredentialsSecretRef {
    /// Name of the Secret, in the namespace of this object.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}
