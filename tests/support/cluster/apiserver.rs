//! A control plane for tests: kube-apiserver, etcd and kube-controller-manager.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use super::{
    Process, Proxy, eventually, free_port,
    run::{self, tool},
};

const TOKEN: &str = "admin-of-a-test-cluster";
/// Timeout for starting a Kubernetes process, generous because test machines may be slow.
const WAIT_TIMEOUT: Duration = Duration::from_mins(3);

/// The address range of Services.
pub const SERVICE_CIDR: &str = "10.88.8.0/24";

/// The issuer of its ServiceAccount tokens.
pub const TOKEN_ISSUER: &str = "https://kubernetes.default.svc";

/// A Kubernetes API with garbage collection and namespace deletion.
pub struct ApiServer {
    dir: PathBuf,
    /// Whether the directory outlives the server.
    kept: bool,
    port: u16,
    etcd_port: u16,
    address: String,
    apiserver: Mutex<Option<Process>>,
    /// kube-controller-manager, and etcd, which ends last.
    others: Mutex<Vec<Process>>,
}

impl ApiServer {
    /// Starts an API server on the loopback interface.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// Starts an API server that Pods can reach at `address` of this machine.
    pub fn start_at(address: &str) -> Self {
        Self::start_in(run::directory(), address, false)
    }

    /// Starts an API server on a directory that outlives it and may contain objects already.
    pub fn start_keeping(dir: &Path) -> Self {
        Self::start_in(dir.to_owned(), "127.0.0.1", true)
    }

    fn start_in(dir: PathBuf, address: &str, kept: bool) -> Self {
        fs::create_dir_all(dir.join("certs")).expect("a directory");
        let (port, etcd_port, peer_port) = (free_port(), free_port(), free_port());
        let key = rcgen::KeyPair::generate().expect("a key");
        fs::write(dir.join("sa.key"), key.serialize_pem()).expect("written");
        fs::write(dir.join("sa.pub"), key.public_key_pem()).expect("written");
        fs::write(dir.join("tokens.csv"), format!("{TOKEN},admin,admin,\"system:masters\"\n"))
            .expect("written");
        let etcd = Process::start_in(
            &dir,
            "etcd",
            &format!(
                "--data-dir etcd --listen-client-urls http://127.0.0.1:{etcd_port} \
                 --advertise-client-urls http://127.0.0.1:{etcd_port} \
                 --listen-peer-urls http://127.0.0.1:{peer_port} --unsafe-no-fsync --log-level error"
            ),
        );
        let mut apiserver = start_apiserver(&dir, address, (port, etcd_port), &[TOKEN_ISSUER]);
        let kubeconfig = dir.join("admin.kubeconfig");
        let ca = dir.join("certs/apiserver.crt");
        eventually(WAIT_TIMEOUT, || {
            apiserver.must_run();
            ca.exists().then_some(()).ok_or_else(|| "no certificate of the API server".to_owned())
        });
        fs::write(&kubeconfig, kubeconfig_of(address, port, &ca, TOKEN)).expect("written");
        let server = Self {
            dir,
            kept,
            port,
            etcd_port,
            address: address.to_owned(),
            apiserver: Mutex::new(Some(apiserver)),
            others: Mutex::new(vec![etcd]),
        };
        server.await_answer(&["get", "--raw", "/readyz"]);
        server.start_controllers();
        server.await_answer(&["-n", "default", "get", "serviceaccount", "default"]);
        server
    }

    /// Must run after the API server is ready, because the process exits if it is not within 10 s.
    fn start_controllers(&self) {
        let controllers = Process::start_in(
            &self.dir,
            "kube-controller-manager",
            "--kubeconfig admin.kubeconfig --service-account-private-key-file sa.key \
             --root-ca-file certs/apiserver.crt --leader-elect=false --secure-port=0",
        );
        self.others.lock().expect("not poisoned").insert(0, controllers);
    }

    /// Waits until kubectl succeeds; panics if a process has ended.
    fn await_answer(&self, args: &[&str]) {
        eventually(WAIT_TIMEOUT, || {
            if let Some(process) = &mut *self.apiserver.lock().expect("not poisoned") {
                process.must_run();
            }
            self.others.lock().expect("not poisoned").iter_mut().for_each(Process::must_run);
            self.try_kubectl(args)
        });
    }

    /// The directory for logs and files of tests.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// A client of the administrator.
    pub async fn client(&self) -> kube::Client {
        client(&self.kubeconfig()).await
    }

    /// Runs kubectl; returns its output or its standard error.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.run("kubectl", args, "")
    }

    fn run(&self, name: &str, args: &[&str], input: &str) -> Result<String, String> {
        let mut command = tool(name, &self.kubeconfig());
        command.args(args);
        run::output(command, input)
    }

    /// Runs kubectl; panics with its standard error if it fails.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|error| panic!("kubectl {args:?}: {error}"))
    }

    /// `kubectl apply -f -`; returns the error of the API server if it rejects the manifests.
    pub fn try_apply(&self, manifests: &str) -> Result<String, String> {
        self.run("kubectl", &["apply", "-f", "-"], manifests)
    }

    /// A dry run of `kubectl apply -f -`, which writes nothing.
    pub fn dry_run(&self, manifests: &str) -> Result<String, String> {
        self.run("kubectl", &["apply", "--dry-run=server", "-f", "-"], manifests)
    }

    /// Runs `kubectl apply -f -` and returns its output. Panics if it fails.
    pub fn apply(&self, manifests: &str) -> String {
        self.try_apply(manifests)
            .unwrap_or_else(|error| panic!("kubectl apply: {error}\n{manifests}"))
    }

    /// Runs helm with the administrator's kubeconfig.
    pub fn helm(&self, args: &[&str]) -> Result<String, String> {
        self.run("helm", args, "")
    }

    /// A kubeconfig of a service account, with a token as Pods get it.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        self.kubeconfig_through(self.port, namespace, name)
    }

    /// A kubeconfig of a service account for another port, where a proxy listens.
    pub fn kubeconfig_through(&self, port: u16, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["-n", namespace, "create", "token", name, "--duration", "6h"]);
        let path = self.dir.join(format!("{namespace}-{name}-{port}.kubeconfig"));
        let ca = self.dir.join("certs/apiserver.crt");
        // Renamed into place, because another replica may be reading the previous file.
        let new = path.with_extension("new");
        fs::write(&new, kubeconfig_of(&self.address, port, &ca, token.trim())).expect("written");
        fs::rename(&new, &path).expect("the same folder");
        path
    }

    /// Forwards a port of this machine to a Pod while the process lives.
    pub fn port_forward(&self, namespace: &str, target: &str, to: u16) -> (Process, u16) {
        let port = free_port();
        let flags = format!(
            "--kubeconfig admin.kubeconfig -n {namespace} port-forward {target} {port}:{to}"
        );
        let mut process = Process::start_in(&self.dir, "kubectl", &flags);
        eventually(WAIT_TIMEOUT, || {
            process.must_run();
            TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
        });
        (process, port)
    }

    /// A proxy to the API server.
    pub fn proxy(&self) -> Proxy {
        Proxy::to((self.address.clone(), self.port))
    }

    /// Stops the API server; etcd keeps running.
    pub fn stop_apiserver(&self) {
        if let Some(mut process) = self.apiserver.lock().expect("not poisoned").take() {
            process.kill();
        }
    }

    /// Applies manifests through a temporary API server on the same etcd.
    pub fn apply_by_another(&self, manifests: &str) {
        let port = free_port();
        let ports = (port, self.etcd_port);
        let _other = start_apiserver(&self.dir, &self.address, ports, &[TOKEN_ISSUER]);
        let server = format!("--server=https://{}:{port}", self.address);
        let apply = ["apply", "-f", "-", &server];
        eventually(WAIT_TIMEOUT, || self.run("kubectl", &apply, manifests));
    }

    /// Starts kube-apiserver again on the same port.
    pub fn start_apiserver(&self) {
        self.start_with_issuers(&[TOKEN_ISSUER]);
    }

    /// Stops the API server, and starts it with other issuers of ServiceAccount tokens: the first one issues them,
    /// and is that of the discovery document, which exists only if it is an https URL.
    pub fn restart_with_issuers(&self, issuers: &[&str]) {
        self.stop_apiserver();
        self.start_with_issuers(issuers);
    }

    fn start_with_issuers(&self, issuers: &[&str]) {
        let ports = (self.port, self.etcd_port);
        let process = start_apiserver(&self.dir, &self.address, ports, issuers);
        *self.apiserver.lock().expect("not poisoned") = Some(process);
        self.await_answer(&["get", "--raw", "/readyz"]);
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop_apiserver();
        if self.kept {
            return;
        }
        if std::thread::panicking() {
            eprintln!("logs of the test cluster, until the next run: {}", self.dir.display());
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn start_apiserver(
    dir: &Path,
    address: &str,
    (port, etcd_port): (u16, u16),
    issuers: &[&str],
) -> Process {
    let flags = issuers.iter().map(|issuer| format!("--service-account-issuer {issuer}"));
    let issuers = flags.collect::<Vec<_>>().join(" ");
    Process::start_in(
        dir,
        "kube-apiserver",
        &format!(
            "--etcd-servers http://127.0.0.1:{etcd_port} --cert-dir certs --secure-port {port} \
             --bind-address {address} --advertise-address {address} \
             {issuers} --service-account-key-file sa.pub --service-account-signing-key-file sa.key \
             --token-auth-file tokens.csv --authorization-mode RBAC \
             --service-cluster-ip-range {SERVICE_CIDR} --allow-privileged=true \
             --kubelet-preferred-address-types=InternalIP"
        ),
    )
}

/// A client with the credentials of a kubeconfig.
pub async fn client(kubeconfig: &Path) -> kube::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config =
        kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
            .await
            .expect("a usable kubeconfig");
    kube::Client::try_from(config).expect("a client")
}

fn kubeconfig_of(address: &str, port: u16, ca: &Path, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"https://{address}:{port}\", certificate-authority: \"{}\"}}}}]\n\
         users: [{{name: test, user: {{token: \"{token}\"}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
        ca.display()
    )
}
