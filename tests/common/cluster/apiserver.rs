//! kube-apiserver, etcd and kube-controller-manager.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{Process, binary, eventually, testenv};

const TOKEN: &str = "admin-of-a-test-cluster";

/// A Kubernetes API, with owner references and namespace deletion as in life.
pub struct ApiServer {
    dir: PathBuf,
    port: u16,
    etcd_port: u16,
    address: String,
    apiserver: Mutex<Option<Process>>,
    _controllers: Process,
    _etcd: Process,
}

impl ApiServer {
    /// The one that all tests of a binary share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ApiServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of its own, on the loopback interface.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// One that Pods can reach at `address` of this machine.
    pub fn start_at(address: &str) -> Self {
        let dir = run_directory();
        let (port, etcd_port, peer_port) = (free_port(), free_port(), free_port());
        let key = rcgen::KeyPair::generate().expect("a key");
        fs::write(dir.join("sa.key"), key.serialize_pem()).expect("written");
        fs::write(dir.join("sa.pub"), key.public_key_pem()).expect("written");
        fs::write(dir.join("tokens.csv"), format!("{TOKEN},admin,admin,\"system:masters\"\n"))
            .expect("written");
        let etcd = Process::start(
            &binary("etcd"),
            &words(&format!(
                "--data-dir {} --listen-client-urls http://127.0.0.1:{etcd_port} \
                 --advertise-client-urls http://127.0.0.1:{etcd_port} \
                 --listen-peer-urls http://127.0.0.1:{peer_port} --unsafe-no-fsync --log-level error",
                dir.join("etcd").display()
            )),
            &[],
            &dir.join("etcd.log"),
        );
        let apiserver = start_apiserver(&dir, address, port, etcd_port);
        let kubeconfig = dir.join("admin.kubeconfig");
        let ca = dir.join("certs/apiserver.crt");
        eventually(Duration::from_secs(60), || {
            ca.exists().then_some(()).ok_or_else(|| "no certificate of the API server".to_owned())
        });
        fs::write(&kubeconfig, kubeconfig_of(address, port, &ca, TOKEN)).expect("written");
        let controllers = Process::start(
            &binary("kube-controller-manager"),
            &words(&format!(
                "--kubeconfig {} --service-account-private-key-file {} --root-ca-file {} \
                 --leader-elect=false --secure-port=0",
                kubeconfig.display(),
                dir.join("sa.key").display(),
                ca.display()
            )),
            &[],
            &dir.join("controllers.log"),
        );
        let server = Self {
            dir,
            port,
            etcd_port,
            address: address.to_owned(),
            apiserver: Mutex::new(Some(apiserver)),
            _controllers: controllers,
            _etcd: etcd,
        };
        server.await_ready();
        server
    }

    fn await_ready(&self) {
        eventually(Duration::from_secs(60), || {
            let output = self.run_kubectl(&["get", "--raw", "/readyz"], None);
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            let output =
                self.run_kubectl(&["-n", "default", "get", "serviceaccount", "default"], None);
            output
                .status
                .success()
                .then_some(())
                .ok_or_else(|| "no default ServiceAccount".to_owned())
        });
    }

    /// Directory of this run, for logs and files of tests.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// A client of the administrator.
    pub async fn client(&self) -> kube::Client {
        client(&self.kubeconfig()).await
    }

    fn run_kubectl(&self, args: &[&str], input: Option<&str>) -> Output {
        let mut command = Command::new(binary("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        run(command, input)
    }

    /// Runs kubectl; its output, or what it said on standard error.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        result(&self.run_kubectl(args, None))
    }

    /// Runs kubectl; panics with what it said if it fails.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|error| panic!("kubectl {args:?}: {error}"))
    }

    /// `kubectl apply -f -`; what the API server said if it refused.
    pub fn try_apply(&self, manifests: &str) -> Result<String, String> {
        result(&self.run_kubectl(&["apply", "-f", "-"], Some(manifests)))
    }

    /// `kubectl apply -f -`.
    pub fn apply(&self, manifests: &str) -> String {
        self.try_apply(manifests)
            .unwrap_or_else(|error| panic!("kubectl apply: {error}\n{manifests}"))
    }

    /// Runs helm with the administrator's kubeconfig.
    pub fn helm(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(binary("helm"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        command.env("HELM_CACHE_HOME", self.dir.join("helm"));
        result(&run(command, None))
    }

    /// A kubeconfig of a ServiceAccount, by a token of the TokenRequest API.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["-n", namespace, "create", "token", name, "--duration", "6h"]);
        let path = self.dir.join(format!("{namespace}-{name}.kubeconfig"));
        let ca = self.dir.join("certs/apiserver.crt");
        fs::write(&path, kubeconfig_of(&self.address, self.port, &ca, token.trim()))
            .expect("written");
        path
    }

    /// Stops the API server; etcd and its data stay.
    pub fn stop_apiserver(&self) {
        if let Some(mut process) = self.apiserver.lock().expect("not poisoned").take() {
            process.kill();
        }
    }

    /// Starts it again on the same port.
    pub fn start_apiserver(&self) {
        let process = start_apiserver(&self.dir, &self.address, self.port, self.etcd_port);
        *self.apiserver.lock().expect("not poisoned") = Some(process);
        self.await_ready();
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop_apiserver();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn start_apiserver(dir: &Path, address: &str, port: u16, etcd_port: u16) -> Process {
    let bind = if address == "127.0.0.1" { "127.0.0.1" } else { "0.0.0.0" };
    Process::start(
        &binary("kube-apiserver"),
        &words(&format!(
            "--etcd-servers http://127.0.0.1:{etcd_port} --cert-dir {} --secure-port {port} \
             --bind-address {bind} --advertise-address {address} \
             --service-account-issuer https://kubernetes.default.svc \
             --service-account-key-file {public} --service-account-signing-key-file {key} \
             --token-auth-file {} --authorization-mode RBAC \
             --service-cluster-ip-range 10.0.0.0/24 --allow-privileged=true \
             --kubelet-preferred-address-types=InternalIP",
            dir.join("certs").display(),
            dir.join("tokens.csv").display(),
            public = dir.join("sa.pub").display(),
            key = dir.join("sa.key").display(),
        )),
        &[],
        &dir.join("apiserver.log"),
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

/// The output of a command, or what it said on standard error.
fn result(output: &Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn run(mut command: Command, input: Option<&str>) -> Output {
    use std::io::Write;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.unwrap_or_default().as_bytes()).expect("it reads its input");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

/// A directory of this run's own; those of runs that have ended are removed.
fn run_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runs = testenv().join("runs");
    fs::create_dir_all(&runs).expect("a directory");
    for entry in fs::read_dir(&runs).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = runs.join(format!("{}-{count}", std::process::id()));
    fs::create_dir_all(dir.join("certs")).expect("a directory");
    dir
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
