//! The node's own mounts, network and process ids: what Pods leave behind (shims, overlay mounts,
//! bridges, iptables rules, names in /run) is removed with them, even if the test is killed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use super::{
    Process,
    apiserver::SERVICE_CIDR,
    binary, eventually,
    run::{self, words},
};

/// The address of this machine's end of the cable to the node.
pub const HOST: &str = "10.88.6.1";
/// The address of the node's end of the cable.
pub const NODE: &str = "10.88.6.2";
/// The address range of Pods; this machine reaches them, and Services, through the node.
pub const POD_CIDR: &str = "10.88.7.0/24";
/// The node's data directory: in memory, so it ends with the namespace.
pub const HOME: &str = "/run/lanyard-test";

const CABLE: &str = "lanyard-test";

/// Folders that containerd and kubelet use and that no setting moves elsewhere.
const SHADOWED: [&str; 4] = ["/run", "/var/lib/cni", "/var/log/pods", "/var/log/containers"];

/// A namespace of each of the three kinds, held by one process and ended with its init.
pub struct Namespace {
    holder: Process,
    init: String,
    // Addresses and the cable's name are fixed: one node at a time on a machine.
    _turn: File,
}

impl Namespace {
    /// Waits until no other test on this machine has a node, then starts one, with its output in `log`.
    pub fn start(log: &Path) -> Self {
        let turn = File::create(std::env::temp_dir().join("lanyard-test-node.lock"))
            .expect("the lock's file");
        if turn.try_lock().is_err() {
            eprintln!("another test of this machine has a node; waiting for its end");
            turn.lock().expect("a turn");
        }
        // Control groups left by a test that was killed; without a containerd on this machine there are no others.
        if !Path::new("/run/containerd/containerd.sock").exists() {
            remove_control_groups(&|_| true);
        }
        eventually(Duration::from_mins(2), || {
            if ip_output(&format!("link show {CABLE}")).status.success() {
                return Err(format!("{CABLE} of an earlier node is still there"));
            }
            Ok(())
        });
        // Init mounts the folders, then reaps orphans of shims; its end ends all processes in the namespace.
        let shadowed = SHADOWED.join(" ");
        let init = format!(
            "for dir in {shadowed}; do mkdir -p $dir; mount -t tmpfs tmpfs $dir; done; \
             ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward; \
             : >/run/lanyard-ready; exec \"$0\""
        );
        let mut args = words("--mount --net --pid --fork --kill-child --mount-proc -- sh -ec");
        args.extend([init, binary("pause").display().to_string()]);
        let mut holder = Process::start(Path::new("unshare"), &args, &[], log);
        let ready = PathBuf::from(format!("/proc/{}/root/run/lanyard-ready", holder.id()));
        eventually(Duration::from_mins(2), || {
            holder.must_run();
            ready.exists().then_some(()).ok_or_else(|| "init is not done".to_owned())
        });
        let id = holder.id();
        let init = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("a child");
        let namespace = Self { holder, init: init.trim().to_owned(), _turn: turn };
        namespace.plug_in();
        namespace
    }

    /// Lays a cable between this machine and the node, and the routes over it.
    fn plug_in(&self) {
        let id = self.holder.id();
        ip(&format!("link add {CABLE} type veth peer name eth0 netns {id}"));
        ip(&format!("address add {HOST}/30 dev {CABLE}"));
        ip(&format!("link set {CABLE} up"));
        for there in [
            &format!("address add {NODE}/30 dev eth0"),
            "link set eth0 up",
            "route add default via 10.88.6.1",
        ] {
            let mut command = self.command("ip");
            command.args(words(there));
            run::output(command, "").unwrap_or_else(|error| panic!("ip {there}: {error}"));
        }
        for cidr in [POD_CIDR, SERVICE_CIDR] {
            ip(&format!("route add {cidr} via {NODE}"));
        }
    }

    /// The words before a command line that run it in the namespace.
    fn entrance(&self) -> Vec<String> {
        let id = self.holder.id();
        words(&format!("--target {id} --mount --net --pid=/proc/{id}/ns/pid_for_children --"))
    }

    /// The ids of the containers that were created in the namespace.
    fn containers(&self) -> BTreeSet<String> {
        let tasks = "containerd-state/io.containerd.runtime.v2.task/k8s.io";
        let dir = format!("/proc/{}/root{HOME}/{tasks}", self.holder.id());
        let names = folders(Path::new(&dir)).into_iter();
        names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
    }

    /// A command that runs in the namespace.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(self.entrance()).arg(program);
        command
    }

    /// Starts a process in the namespace, which it ends with.
    pub fn start_process(&self, program: &Path, args: &[String], log: &Path) -> Process {
        let mut all = self.entrance();
        all.push(program.display().to_string());
        all.extend_from_slice(args);
        Process::start(Path::new("nsenter"), &all, &[], log)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let containers = self.containers();
        let _ = Command::new("kill").args(["-s", "KILL", &self.init]).output();
        self.holder.wait(Duration::from_secs(10));
        remove_control_groups(&|id| containers.contains(id));
        // Only where nothing else on this machine uses them.
        for dir in &SHADOWED[1..] {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Removes containers' control groups in which no process is left.
fn remove_control_groups(ours: &dyn Fn(&str) -> bool) {
    let root = Path::new("/sys/fs/cgroup");
    for top in folders(root).into_iter().chain([root.to_owned()]) {
        let top = top.join("k8s.io");
        for group in folders(&top) {
            let id = group.file_name().unwrap_or_default().to_string_lossy();
            if ours(&id) {
                let _ = fs::remove_dir(&group);
            }
        }
        let _ = fs::remove_dir(&top);
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).collect()
}

fn ip(line: &str) {
    let output = ip_output(line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {line}: {said}");
}

fn ip_output(line: &str) -> Output {
    Command::new("ip").args(line.split_whitespace()).output().expect("ip runs")
}
