//! Tests of TLS and server certificates.

use std::path::Path;

use super::*;
use crate::store::test_servers::{TestServer, postgres_with_tls};

/// A certificate authority and a certificate for `localhost` that it issued, as files in a folder.
fn authority(folder: &Path, name: &str) -> [PathBuf; 3] {
    let made = |dns: &str| rcgen::CertificateParams::new([dns.to_owned()]).unwrap();
    let [root_key, leaf_key] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let mut root = made("root");
    root.distinguished_name.push(rcgen::DnType::CommonName, name);
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(root, root_key);
    let leaf_pem = made("localhost").signed_by(&leaf_key, &issuer).unwrap().pem();
    let files =
        [("ca.crt", root_pem), ("tls.crt", leaf_pem), ("tls.key", leaf_key.serialize_pem())];
    files.map(|(name, pem)| {
        std::fs::write(folder.join(name), pem).unwrap();
        folder.join(name)
    })
}

/// A folder that PostgreSQL's own user can read.
fn readable() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn asked_by_tls(server: &TestServer, host: &str, ca: Option<PathBuf>) -> Result<(), String> {
    let url = server.database().await.replace("127.0.0.1", host) + "?sslmode=verify-full";
    let options = PostgresOptions { url, ca, connections: 1 };
    let store = PostgresStore::new(&options, Arc::new(SystemEntropy::new())).unwrap();
    store.migrate().await.map_err(|error| error.to_string())?;
    store.insert(record("a"), NOW).await.map_err(|error| error.to_string())?;
    let secure = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = sqlx::query(secure).fetch_one(&store.pool).await.unwrap();
    assert!(row.get::<bool, _>("ssl"));
    Ok(())
}

#[tokio::test]
async fn a_tls_database_is_verified_by_authority_and_name() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (its, others) = (readable(), readable());
    let [ca, certificate, key] = authority(its.path(), "its");
    let [other, ..] = authority(others.path(), "another");
    let server = postgres_with_tls(&certificate, &key);
    asked_by_tls(&server, "localhost", Some(ca.clone())).await.unwrap();
    let refused = asked_by_tls(&server, "localhost", Some(other)).await.unwrap_err();
    assert!(refused.contains("certificate") && refused.contains("UnknownIssuer"), "{refused}");
    let refused = asked_by_tls(&server, "localhost", None).await.unwrap_err();
    assert!(refused.contains("UnknownIssuer"), "public authorities alone: {refused}");
    let refused = asked_by_tls(&server, "127.0.0.1", Some(ca.clone())).await.unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");
    let refused = asked_by_tls(postgres(), "localhost", Some(ca)).await.unwrap_err();
    assert!(refused.contains("does not support TLS"), "{refused}");
}

#[test]
fn a_ca_file_without_certificate_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"hunter2").unwrap();
    for (ca, word) in [(file.path(), "PEM"), (Path::new("/none"), "/none")] {
        let url = "postgres://lanyard@localhost/lanyard".to_owned();
        let options = PostgresOptions { url, ca: Some(ca.to_owned()), connections: 1 };
        let refused = PostgresStore::new(&options, Arc::new(SystemEntropy::new())).unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("--postgres-ca") && refused.contains(word), "{refused}");
    }
}
