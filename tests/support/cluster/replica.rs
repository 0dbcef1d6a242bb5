//! Replicas of `lanyard run` as processes, with the RBAC of the chart.

use std::path::{Path, PathBuf};

use super::{ApiServer, Process, free_port};

/// A replica, whose process ends when the value is dropped.
pub struct Replica {
    /// The name of the replica; in the Lease it is `lanyard-NAME`.
    pub name: &'static str,
    /// The port for applications.
    pub port: u16,
    /// The port of `/healthz`, `/readyz` and `/metrics`.
    pub admin: u16,
    /// The path of the log of the replica.
    pub log: PathBuf,
    /// The process `lanyard run`.
    pub process: Process,
}

/// Installs the chart without Pods into an existing namespace.
pub fn install_chart(api: &ApiServer, namespace: &str) {
    let install = ["install", "lanyard", "charts/lanyard", "-n", namespace];
    api.helm(&[&install[..], &["--set", "replicas=0,image.repository=lanyard"]].concat())
        .expect("the chart installs");
}

impl Replica {
    /// Installs the chart without Pods into an existing namespace, and starts two replicas with its
    /// service account. The authority is that of their base URL.
    pub fn two(api: &ApiServer, namespace: &str, authority: &str) -> Vec<Self> {
        install_chart(api, namespace);
        ["a", "b"].map(|name| Self::start(api, namespace, name, authority, &[])).into()
    }

    /// Starts a replica with the service account of an installation and additional settings.
    pub fn start(
        api: &ApiServer,
        namespace: &str,
        name: &'static str,
        authority: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_lanyard"));
        Self::start_binary(api, namespace, (name, binary), authority, more)
    }

    /// Starts a replica of another build.
    pub fn start_binary(
        api: &ApiServer,
        namespace: &str,
        (name, binary): (&'static str, &Path),
        authority: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let kubeconfig = api.service_account_kubeconfig(namespace, "lanyard");
        Self::start_with(api, &kubeconfig, namespace, (name, binary), authority, more)
    }

    /// Starts a replica with a kubeconfig, which needs no API server.
    pub fn start_with(
        api: &ApiServer,
        kubeconfig: &Path,
        namespace: &str,
        (name, binary): (&'static str, &Path),
        authority: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let (port, admin) = (free_port(), free_port());
        let mut env = vec![
            ("KUBECONFIG", kubeconfig.display().to_string()),
            ("POD_NAME", format!("lanyard-{name}")),
            ("POD_NAMESPACE", namespace.to_owned()),
            ("LANYARD_BASE_URL", format!("http://{authority}")),
            ("LANYARD_STORE", "memory".to_owned()),
            ("LANYARD_HOSTS_CONFIG_MAP", "lanyard-hosts".to_owned()),
            ("LANYARD_LISTEN", format!("127.0.0.1:{port}")),
            ("LANYARD_ADMIN_LISTEN", format!("127.0.0.1:{admin}")),
        ];
        env.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let log = api.dir().join(format!("lanyard-{name}.log"));
        let process = Process::start(binary, &["run".to_owned()], &env, &log);
        Self { name, port, admin, log, process }
    }

    /// Returns an error unless it serves a tenant of the namespace `team`.
    pub fn serves(&self, authority: &str, tenant: &str) -> Result<(), String> {
        let path = format!("/team/{tenant}/.well-known/openid-configuration");
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let http = reqwest::blocking::Client::new();
        let answer = http.get(url).header("host", authority).send();
        match answer.map_err(|error| error.to_string())?.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("{tenant}: {status}")),
        }
    }
}
