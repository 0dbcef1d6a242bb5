//! Flags of the listeners at which clients present certificates.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

use super::flag_values::parse_address;

/// The form of the header by which a proxy forwards the certificate of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum CertificateFormatArg {
    /// :base64: (RFC 9440)
    Rfc9440,
    /// Percent-encoded PEM, as `$ssl_client_escaped_cert` of nginx
    EscapedPem,
}

/// Flags of the listeners at which clients present certificates.
#[derive(Args, Clone, Debug)]
pub struct MutualTlsArgs {
    /// Address and port at which clients present TLS certificates (mutual TLS, RFC 8705). Needs --mtls-url. Off by
    /// default
    #[arg(long, env = "LANYARD_MTLS_LISTEN", value_name = "ADDR:PORT", value_parser = parse_address, requires = "mtls_url")]
    pub mtls_listen: Option<SocketAddr>,
    /// Address of that port for clients, with {host} in place of the issuer's host: `https://mtls.{host}` or
    /// `https://{host}:8443`
    #[arg(long, env = "LANYARD_MTLS_URL", value_name = "URL")]
    pub mtls_url: Option<String>,
    /// Certificate chain (PEM) of that port; default: --tls-cert. Reloaded when it changes
    #[arg(long, env = "LANYARD_MTLS_CERT", value_name = "FILE", requires = "mtls_key")]
    pub mtls_cert: Option<PathBuf>,
    /// Private key of that certificate (PEM); default: --tls-key
    #[arg(long, env = "LANYARD_MTLS_KEY", value_name = "FILE", requires = "mtls_cert")]
    pub mtls_key: Option<PathBuf>,
    /// Address and port for proxies that end the TLS connections of clients and forward their certificates by a header.
    /// Needs --mtls-url, --mtls-proxy-ca and --mtls-proxy-names. Off by default
    #[arg(
        long,
        env = "LANYARD_MTLS_PROXY_LISTEN",
        value_name = "ADDR:PORT",
        value_parser = parse_address,
        requires_all = ["mtls_url", "mtls_proxy_ca", "mtls_proxy_names"]
    )]
    pub mtls_proxy_listen: Option<SocketAddr>,
    /// Certificates (PEM) of the authorities that issue the certificates of those proxies. Reloaded when they change
    #[arg(long, env = "LANYARD_MTLS_PROXY_CA", value_name = "FILE")]
    pub mtls_proxy_ca: Option<PathBuf>,
    /// DNS names or URIs in the certificates of those proxies
    #[arg(long, env = "LANYARD_MTLS_PROXY_NAMES", value_name = "NAME,..", value_delimiter = ',')]
    pub mtls_proxy_names: Vec<String>,
    /// Name of the header with the certificate of the client, which the proxies set or remove on every request
    #[arg(
        long,
        env = "LANYARD_MTLS_PROXY_HEADER",
        value_name = "NAME",
        default_value = "Client-Cert"
    )]
    pub mtls_proxy_header: String,
    /// Form of that header
    #[arg(
        long,
        env = "LANYARD_MTLS_PROXY_FORMAT",
        value_enum,
        default_value_t = CertificateFormatArg::Rfc9440
    )]
    pub mtls_proxy_format: CertificateFormatArg,
}
