//! Directories for tests: slapd with the people of `ldap/acme.ldif`, and a domain controller of Samba
//! with those of `ldap/corp.ldif`. Each is started once per test binary and ends with it.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use super::ports::free_port;

/// A running LDAP server with the people of the tests.
pub struct TestDirectory {
    /// The port with TLS from the start.
    pub secure_port: u16,
    /// The port without TLS, where connections use `StartTLS`.
    pub plain_port: u16,
    /// The certificate that issued the server's, which is for `localhost`.
    pub ca: String,
    administrator: [&'static str; 2],
    folder: PathBuf,
    /// The server ends when this process no longer holds the standard input.
    _guard: Child,
}

/// OpenLDAP, shared by all tests of the binary.
pub fn slapd() -> &'static TestDirectory {
    static SERVER: OnceLock<TestDirectory> = OnceLock::new();
    SERVER.get_or_init(own_slapd)
}

/// OpenLDAP for one test, which may stop it.
pub fn own_slapd() -> TestDirectory {
    installed("/usr/sbin/slapd");
    TestDirectory::start("slapd.sh", ["cn=admin,dc=acme,dc=test", "admin"])
}

/// Samba as a domain controller of Active Directory, which needs root. Without root, the test prints
/// `SKIPPED` and ends.
pub fn samba() -> Option<&'static TestDirectory> {
    static SERVER: OnceLock<TestDirectory> = OnceLock::new();
    if fs::metadata("/proc/self").expect("Linux").uid() != 0 {
        println!("SKIPPED: Samba: a network of its own needs root");
        return None;
    }
    Some(SERVER.get_or_init(|| {
        installed("/usr/sbin/samba");
        TestDirectory::start("samba.sh", ["Administrator@corp.test", "Passw0rd!"])
    }))
}

fn installed(program: &str) {
    let exists = Path::new(program).exists();
    assert!(exists, "{program} is not installed: run tests/testenv/build.sh directories");
}

impl TestDirectory {
    /// Runs a script of `tests/support/ldap`, which removes the folder at its end.
    fn start(script: &str, administrator: [&'static str; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let ca = write_certificates(&folder);
        let [secure_port, plain_port] = [(); 2].map(|()| free_port());
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/ldap");
        let log = fs::File::create(folder.join("script.log")).expect("a file");
        let mut guard = Command::new(scripts.join(script))
            .arg(&folder)
            .args([secure_port, plain_port].map(|port| port.to_string()))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        for _ in 0..2400 {
            if folder.join("ready").exists() {
                return Self { secure_port, plain_port, ca, administrator, folder, _guard: guard };
            }
            let ended = guard.try_wait().expect("its state");
            let said = || fs::read_to_string(folder.join("script.log")).unwrap_or_default();
            assert!(ended.is_none(), "{script} ended: {}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{script} was not ready within two minutes");
    }

    /// Sends a signal to slapd.
    pub fn signal(&self, name: &str) {
        let id = self.process_id().expect("it runs");
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.expect("kill").success(), "{name}");
    }

    /// Ends slapd, and waits until another one has its place.
    pub fn restart(&self) {
        let before = self.process_id();
        self.signal("TERM");
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(50));
            let answers = TcpStream::connect(("127.0.0.1", self.secure_port)).is_ok();
            if answers && self.process_id().is_some_and(|id| Some(id) != before) {
                return;
            }
        }
        panic!("slapd was not started again within half a minute");
    }

    fn process_id(&self) -> Option<String> {
        let id = fs::read_to_string(self.folder.join("slapd.pid")).ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    /// Changes entries, as LDIF says.
    pub fn modify(&self, ldif: &str) {
        let [name, password] = self.administrator;
        let mut command = Command::new("ldapmodify")
            // The client compares certificates with the canonical name of this machine.
            .env("LDAPTLS_REQCERT", "never")
            .args(["-x", "-H", &format!("ldaps://localhost:{}", self.secure_port)])
            .args(["-D", name, "-w", password])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut input = command.stdin.take().expect("a pipe");
        input.write_all(ldif.as_bytes()).expect("written");
        drop(input);
        assert!(command.wait().expect("it ends").success(), "{ldif}");
    }
}

/// Writes the files of a server's certificate, and gives the certificate that issued it.
fn write_certificates(folder: &Path) -> String {
    let [root_key, leaf_key] = [(); 2].map(|()| rcgen::KeyPair::generate().expect("a key"));
    let params = |name: &str| rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    let mut root = params("root");
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = root.self_signed(&root_key).expect("signed").pem();
    let leaf = params("localhost").signed_by(&leaf_key, &rcgen::Issuer::new(root, root_key));
    for (name, content) in [
        ("ca.pem", ca.as_str()),
        ("server.pem", &leaf.expect("signed").pem()),
        ("server.key", &leaf_key.serialize_pem()),
    ] {
        fs::write(folder.join(name), content).expect("written");
    }
    ca
}
