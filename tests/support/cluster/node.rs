//! One node that runs Pods: containerd, kubelet, scheduler and kube-proxy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    ApiServer, Process, binary, eventually, image,
    namespace::{HOME, HOST, NODE, Namespace, POD_CIDR},
    run::{self, testenv},
};

const SOCKET: &str = "/run/lanyard-test/containerd.sock";

/// The reason why Pods cannot run on this machine; `None` if they can.
pub fn unavailable() -> Option<String> {
    let says = |line: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        run::output(command, "")
    };
    if says("id -u").is_ok_and(|id| id.trim() != "0") {
        return Some("running containers needs root".to_owned());
    }
    for tool in ["containerd", "ctr", "runc", "iptables", "ip", "setpriv", "unshare", "nsenter"] {
        if says(&format!("command -v {tool}")).is_err() {
            return Some(format!("{tool} is not installed"));
        }
    }
    if !Path::new("/usr/lib/cni/bridge").exists() {
        return Some("the CNI plugins are not installed".to_owned());
    }
    for name in ["kubelet", "kube-scheduler", "kube-proxy", "pause"] {
        if !testenv().join("bin").join(name).exists() {
            return Some(format!("{name} is not built (tests/testenv/build.sh node)"));
        }
    }
    // Tries the operations that a node needs: namespaces, an overlay in memory, a cable, a control group.
    let attempt = "unshare --mount --net --pid --fork --mount-proc sh -ec '
        mount -t tmpfs tmpfs /mnt; cd /mnt; mkdir lower upper work over
        mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work over
        echo 1 >/proc/sys/net/ipv4/ip_forward; ip link add type veth; iptables -t nat -S'";
    says(attempt).err().map(|error| format!("no containers on this kernel: {}", error.trim()))
}

/// A cluster of one node.
pub struct Node {
    // Dropped in this order: all that runs in the namespace ends with it.
    namespace: Namespace,
    services: Vec<Process>,
    _scheduler: Process,
    /// The control plane that the node belongs to.
    pub api: ApiServer,
    dir: PathBuf,
}

impl Node {
    /// Starts a control plane and a node, and waits until the node is Ready. Waits first while another test on this
    /// machine has a node.
    pub fn start() -> Self {
        let dir = run::directory();
        let namespace = Namespace::start(&dir.join("namespace.log"));
        let api = ApiServer::start_at(HOST);
        let scheduler = Process::start_in(
            api.dir(),
            "kube-scheduler",
            "--kubeconfig admin.kubeconfig --leader-elect=false --secure-port=0",
        );
        let mut node = Self { namespace, services: Vec::new(), _scheduler: scheduler, api, dir };
        node.start_containerd();
        node.load_image(
            "registry.local/pause:1",
            &[(binary("pause"), "/pause".to_owned())],
            &["/pause"],
        );
        node.start_kubelet_and_proxy();
        node
    }

    fn start_service(&mut self, program: &Path, args: &[&str]) {
        let name = program.file_name().expect("a program").to_string_lossy();
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let log = self.dir.join(format!("{name}.log"));
        self.services.push(self.namespace.start_process(program, &args, &log));
    }

    /// Waits for a condition; panics if a service has ended.
    fn await_service(&mut self, mut check: impl FnMut(&Self) -> Result<String, String>) {
        eventually(Duration::from_secs(90), || {
            self.services.iter_mut().for_each(Process::must_run);
            check(self)
        });
    }

    fn start_containerd(&mut self) {
        let file = self.dir.join("containerd.toml");
        // A separate folder, because containerd reads it again whenever a file in it changes.
        let networks = self.dir.join("networks");
        fs::create_dir_all(&networks).expect("a directory");
        fs::write(networks.join("10-lanyard.conflist"), network_config()).expect("written");
        fs::write(&file, containerd_config(&networks)).expect("written");
        self.start_service(Path::new("containerd"), &["--config", &file.display().to_string()]);
        self.await_service(|node| node.ctr(&["version"]));
    }

    fn start_kubelet_and_proxy(&mut self) {
        let kubeconfig = self.api.kubeconfig().display().to_string();
        let common = ["--hostname-override=n0", "--kubeconfig", &kubeconfig];
        let cidr = format!("--cluster-cidr={POD_CIDR}");
        // Without masquerading, a Pod's answer to another Pod on the bridge would not pass through kube-proxy's rules.
        let proxy =
            ["--proxy-mode=iptables", "--masquerade-all", "--conntrack-max-per-core=0", &cidr];
        self.start_service(&binary("kube-proxy"), &[&common[..], &proxy].concat());
        let file = self.dir.join("kubelet.yaml");
        fs::write(&file, kubelet_config()).expect("written");
        let config = file.display().to_string();
        let node_ip = format!("--node-ip={NODE}");
        let root = format!("--root-dir={HOME}/kubelet");
        let kubelet = ["--config", &config, &root, &node_ip];
        self.start_service(&binary("kubelet"), &[&common[..], &kubelet].concat());
        let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        self.await_service(|node| {
            let said = node.api.try_kubectl(&["get", "node", "n0", "-o", ready])?;
            if said == "True" { Ok(said) } else { Err(format!("node n0 is Ready={said}")) }
        });
    }

    fn ctr(&self, args: &[&str]) -> Result<String, String> {
        let mut command = self.namespace.command("ctr");
        command.args(["-a", SOCKET, "-n", "k8s.io"]).args(args);
        run::output(command, "")
    }

    /// Imports an image into the node; Pods use it with `imagePullPolicy: Never`.
    pub fn load_image(&self, name: &str, files: &[(PathBuf, String)], entrypoint: &[&str]) {
        let archive = image::write(&self.dir, name, files, entrypoint);
        self.ctr(&["images", "import", &archive.display().to_string()])
            .unwrap_or_else(|error| panic!("importing {name}: {error}"));
    }

    /// `kill -9` of a container's process, by the id that the Pod's status names.
    pub fn kill_container(&self, id: &str) {
        let id = id.strip_prefix("containerd://").unwrap_or(id);
        self.ctr(&["tasks", "kill", "--signal", "SIGKILL", id])
            .unwrap_or_else(|error| panic!("killing {id}: {error}"));
    }

    /// An image with a program of this machine, which is its entry point.
    pub fn load_program(&self, name: &str, program: &Path) {
        let path = program.display().to_string();
        self.load_image(name, &image::with_libraries(program, &path), &[&path]);
    }

    /// The image under test: a binary with its libraries, laid out as in the Dockerfile.
    pub fn load_lanyard(&self, name: &str, lanyard: &Path) {
        self.load_image(name, &image::with_libraries(lanyard, image::BINARY), &[image::BINARY]);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs of the node, until the next run: {}", self.dir.display());
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

fn network_config() -> String {
    serde_json::json!({
        "cniVersion": "0.4.0",
        "name": "lanyard",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "pods0",
                "isGateway": true,
                "ipMasq": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{ "subnet": POD_CIDR }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                    "dataDir": format!("{HOME}/ipam"),
                },
            },
            { "type": "loopback" },
        ],
    })
    .to_string()
}

fn containerd_config(networks: &Path) -> String {
    format!(
        r#"version = 2
root = "{HOME}/containerd"
state = "{HOME}/containerd-state"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{}"
"#,
        networks.display()
    )
}

fn kubelet_config() -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://{SOCKET}
volumePluginDir: {HOME}/volume-plugins
resolvConf: ''
evictionHard: {{}}
localStorageCapacityIsolation: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
healthzPort: 0
readOnlyPort: 0
"
    )
}
