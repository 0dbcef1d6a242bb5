//! One node that runs Pods: containerd, kubelet, scheduler and kube-proxy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{ApiServer, Process, binary, eventually, image};

const BRIDGE: &str = "lanyard0";
const POD_CIDR: &str = "10.88.7.0/24";

/// Why Pods cannot run on this machine; `None` if they can.
pub fn unavailable() -> Option<String> {
    let root = Command::new("id").arg("-u").output().ok()?;
    if String::from_utf8_lossy(&root.stdout).trim() != "0" {
        return Some("running containers needs root".to_owned());
    }
    for tool in ["containerd", "runc", "iptables", "ip", "setpriv"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            return Some(format!("{tool} is not installed"));
        }
    }
    if !Path::new("/usr/lib/cni/bridge").exists() {
        return Some("the CNI plugins are not installed".to_owned());
    }
    if !super::testenv().join("bin/kubelet").exists() {
        return Some("kubelet is not built (tests/cluster/build.sh node)".to_owned());
    }
    if fs::read_to_string("/proc/filesystems").is_ok_and(|list| !list.contains("overlay")) {
        return Some("the kernel has no overlayfs".to_owned());
    }
    None
}

/// A whole cluster of one node.
pub struct Node {
    /// Its API.
    pub api: ApiServer,
    dir: PathBuf,
    // In the order in which they are to end.
    kubelet: Option<Process>,
    proxy: Option<Process>,
    scheduler: Option<Process>,
    containerd: Option<Process>,
}

impl Node {
    /// Starts it and waits until the node is Ready.
    pub fn start() -> Self {
        let address = host_address();
        let api = ApiServer::start_at(&address);
        let dir = api.dir().join("node");
        fs::create_dir_all(&dir).expect("a directory");
        let containerd = start_containerd(&dir);
        let kubeconfig = api.kubeconfig();
        let with_kubeconfig = |args: &[&str]| -> Vec<String> {
            let mut all = vec!["--kubeconfig".to_owned(), kubeconfig.display().to_string()];
            all.extend(args.iter().map(|&arg| arg.to_owned()));
            all
        };
        let mut node = Self {
            api,
            dir,
            kubelet: None,
            proxy: None,
            scheduler: None,
            containerd: Some(containerd),
        };
        eventually(Duration::from_secs(30), || node.ctr(&["version"]));
        node.load_image(
            "registry.local/pause:1",
            &[(binary("pause"), "/pause".to_owned())],
            &["/pause"],
        );
        node.scheduler = Some(Process::start(
            &binary("kube-scheduler"),
            &with_kubeconfig(&["--leader-elect=false", "--secure-port=0"]),
            &[],
            &node.dir.join("scheduler.log"),
        ));
        node.proxy = Some(Process::start(
            &binary("kube-proxy"),
            &with_kubeconfig(&[
                "--hostname-override=n0",
                "--proxy-mode=iptables",
                "--cluster-cidr",
                POD_CIDR,
                "--conntrack-max-per-core=0",
                "--healthz-bind-address=",
                "--metrics-bind-address=127.0.0.1:0",
            ]),
            &[],
            &node.dir.join("proxy.log"),
        ));
        let config = node.dir.join("kubelet.yaml");
        fs::write(&config, kubelet_config(&node.dir)).expect("written");
        let root = node.dir.join("kubelet");
        node.kubelet = Some(Process::start(
            &binary("kubelet"),
            &with_kubeconfig(&[
                "--config",
                &config.display().to_string(),
                "--root-dir",
                &root.display().to_string(),
                "--hostname-override=n0",
                "--node-ip",
                &address,
            ]),
            &[],
            &node.dir.join("kubelet.log"),
        ));
        node.api_ready();
        node
    }

    fn api_ready(&self) {
        eventually(Duration::from_secs(90), || {
            let ready = self.api.try_kubectl(&[
                "get",
                "node",
                "n0",
                "-o",
                "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}",
            ])?;
            (ready == "True").then_some(()).ok_or(format!("node n0 is Ready={ready}"))
        });
    }

    fn ctr(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new("ctr")
            .args(["-a", &socket(&self.dir), "-n", "k8s.io"])
            .args(args)
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Makes an image known to the node; Pods use it with `imagePullPolicy: Never`.
    pub fn load_image(&self, name: &str, files: &[(PathBuf, String)], entrypoint: &[&str]) {
        let archive = image::write(&self.dir, name, files, entrypoint);
        self.ctr(&["images", "import", &archive.display().to_string()])
            .unwrap_or_else(|error| panic!("importing {name}: {error}"));
    }

    /// The image under test: a binary with its libraries, laid out as in the Dockerfile.
    pub fn load_lanyard(&self, name: &str, lanyard: &Path) {
        self.load_image(name, &image::with_libraries(lanyard, image::BINARY), &[image::BINARY]);
    }
}

impl Drop for Node {
    /// Pods go first, while everything that ends them still runs; then each process by its id.
    fn drop(&mut self) {
        let _ = self.api.try_kubectl(&[
            "delete",
            "deployments,replicasets,daemonsets,statefulsets,jobs,pods",
            "-A",
            "--all",
            "--force",
            "--grace-period=0",
            "--timeout=30s",
        ]);
        drop(self.kubelet.take());
        drop(self.proxy.take());
        drop(self.scheduler.take());
        for task in self.ctr(&["tasks", "ls", "-q"]).unwrap_or_default().lines() {
            let _ = self.ctr(&["tasks", "kill", "-s", "KILL", task]);
            let _ = self.ctr(&["tasks", "rm", "-f", task]);
        }
        for container in self.ctr(&["containers", "ls", "-q"]).unwrap_or_default().lines() {
            let _ = self.ctr(&["containers", "rm", container]);
        }
        drop(self.containerd.take());
        unmount_below(&self.dir);
        let _ = Command::new(binary("kube-proxy")).args(["--cleanup"]).output();
        let _ = Command::new("ip").args(["link", "delete", BRIDGE]).output();
    }
}

/// This machine's address that Pods can reach; a dummy interface's where it has none.
fn host_address() -> String {
    let output = Command::new("hostname").arg("-I").output().expect("hostname runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if let Some(address) =
        text.split_whitespace().find(|word| word.contains('.') && !word.starts_with("10.88.7."))
    {
        return address.to_owned();
    }
    let _ = Command::new("ip").args(["link", "add", "lanyard-host", "type", "dummy"]).output();
    let _ =
        Command::new("ip").args(["address", "add", "10.88.6.1/32", "dev", "lanyard-host"]).output();
    let _ = Command::new("ip").args(["link", "set", "lanyard-host", "up"]).output();
    "10.88.6.1".to_owned()
}

fn socket(dir: &Path) -> String {
    dir.join("c.sock").display().to_string()
}

fn start_containerd(dir: &Path) -> Process {
    let cni = dir.join("cni");
    fs::create_dir_all(&cni).expect("a directory");
    let conflist = serde_json::json!({
        "cniVersion": "0.4.0", "name": "lanyard",
        "plugins": [
            { "type": "bridge", "bridge": BRIDGE, "isGateway": true, "ipMasq": true,
              "hairpinMode": true,
              "ipam": { "type": "host-local", "ranges": [[{ "subnet": POD_CIDR }]],
                        "routes": [{ "dst": "0.0.0.0/0" }],
                        "dataDir": dir.join("ipam").display().to_string() } },
            { "type": "loopback" }
        ]
    });
    fs::write(cni.join("10-lanyard.conflist"), conflist.to_string()).expect("written");
    let config = format!(
        r#"version = 2
root = "{dir}/containerd"
state = "{dir}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri.btrfs"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
"#,
        dir = dir.display(),
        socket = socket(dir),
        cni = cni.display(),
    );
    let file = dir.join("containerd.toml");
    fs::write(&file, config).expect("written");
    Process::start(
        Path::new("/usr/bin/containerd"),
        &["--config".to_owned(), file.display().to_string()],
        &[],
        &dir.join("containerd.log"),
    )
}

fn kubelet_config(dir: &Path) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix://{}
evictionHard: {{}}
localStorageCapacityIsolation: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
healthzPort: 0
readOnlyPort: 0
",
        socket(dir)
    )
}

/// Unmounts what containers and volumes left mounted below a directory, deepest first.
fn unmount_below(dir: &Path) {
    let prefix = dir.display().to_string();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mut points: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|point| point.starts_with(&prefix))
        .collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.len()));
    for point in points {
        let _ = Command::new("umount").args(["-l", point]).output();
    }
}
