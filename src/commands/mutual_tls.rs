//! The listeners at which clients present certificates.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result};

use crate::{
    cli::{CertificateFormatArg, MutualTlsArgs, ServeArgs},
    http::{
        AppState, BoundListener, CertificateFormat, CertificateHeader, HttpServer, ListenerRole,
        ProxyTrust, RequestService, TlsConfig,
    },
};

/// A listener that the flags ask for.
#[derive(Clone, Debug)]
pub(super) struct MutualTlsListener {
    flag: &'static str,
    address: SocketAddr,
    tls: Arc<TlsConfig>,
    role: ListenerRole,
}

/// The listeners that the flags ask for. `tls`: that of the ordinary port, which is the default.
pub(super) fn mutual_tls_listeners(
    args: &ServeArgs,
    tls: Option<&Arc<TlsConfig>>,
) -> Result<Vec<MutualTlsListener>> {
    let MutualTlsArgs { mtls_listen, mtls_proxy_listen, mtls_cert, mtls_key, .. } =
        &args.mutual_tls;
    if mtls_listen.is_none() && mtls_proxy_listen.is_none() {
        return Ok(Vec::new());
    }
    let own = mtls_cert.as_ref().zip(mtls_key.as_ref());
    let own = own.map(|(certificate, key)| TlsConfig::load(certificate, key)).transpose()?;
    let tls = own.map(Arc::new).or_else(|| tls.cloned());
    let tls = tls.context(
        "--mtls-listen and --mtls-proxy-listen need a certificate; set --mtls-cert and --mtls-key, or --tls-cert and --tls-key",
    )?;
    let listener = |flag, address: &Option<SocketAddr>, role: ListenerRole| {
        address.map(|address| MutualTlsListener { flag, address, tls: Arc::clone(&tls), role })
    };
    let proxies = match mtls_proxy_listen {
        Some(_) => Some(proxy_role(&args.mutual_tls)?),
        None => None,
    };
    let direct = listener("--mtls-listen", mtls_listen, ListenerRole::MutualTls);
    let proxied = proxies.and_then(|role| listener("--mtls-proxy-listen", mtls_proxy_listen, role));
    Ok(direct.into_iter().chain(proxied).collect())
}

/// The proxies that forward the certificates of clients, and how.
fn proxy_role(args: &MutualTlsArgs) -> Result<ListenerRole> {
    let file =
        args.mtls_proxy_ca.as_deref().context("--mtls-proxy-listen needs --mtls-proxy-ca")?;
    let names = args.mtls_proxy_names.iter().map(|name| name.trim().to_owned());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let trust = ProxyTrust::load(file, &names).context("--mtls-proxy-ca")?;
    let format = match args.mtls_proxy_format {
        CertificateFormatArg::Rfc9440 => CertificateFormat::Rfc9440,
        CertificateFormatArg::EscapedPem => CertificateFormat::EscapedPem,
    };
    let name = args.mtls_proxy_header.trim();
    let header = CertificateHeader::new(name, format)
        .with_context(|| format!("--mtls-proxy-header {name:?}: write the name of a header"))?;
    Ok(ListenerRole::CertificateProxy(Arc::new(trust), header))
}

/// Binds the ports at which clients present certificates, without accepting connections.
pub(super) fn bind_mutual_tls(
    app: &Arc<AppState>,
    listeners: &[MutualTlsListener],
) -> Result<Vec<BoundListener>> {
    let bind = |listener: &MutualTlsListener| {
        let MutualTlsListener { flag, address, tls, role } = listener;
        let app = Arc::clone(app);
        let (config, metrics) = (app.config.clone(), Arc::clone(&app.accounts.metrics));
        tokio::spawn(Arc::clone(tls).watch(Arc::clone(&metrics)));
        if let ListenerRole::CertificateProxy(trust, _) = role {
            tokio::spawn(Arc::clone(trust).watch());
        }
        let server = HttpServer::new(app as Arc<dyn RequestService>, config, metrics);
        let server = server.with_mutual_tls(Arc::clone(tls), role.clone());
        server.bind(*address).with_context(|| format!("{flag} {address}"))
    };
    listeners.iter().map(bind).collect()
}
