//! Every manifest in the documentation, and every part of a manifest, can be applied.

mod attacks;
mod commands;
mod field_names;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = "apiVersion: lanyard.dev/v1alpha1\n";

/// Tenants that examples refer to: namespace, name and spec.
const TENANTS: [(&str, &str, &str); 4] = [
    ("team-a", "main", "scopes: {badge: {claims: [badge_number]}}"),
    (
        "identity",
        "main",
        "clients: {namespaces: {from: All}, scopes: [openid, profile, email, groups]}",
    ),
    ("platform", "corp", "clients: {namespaces: {from: All}}"),
    ("acme", "main", ""),
];

/// The pages directly in a folder.
fn pages_in(folder: &str) -> Vec<PathBuf> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The YAML blocks of a page.
fn blocks(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("readable");
    let fenced = text.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix("yaml\n").map(without_indent)).collect()
}

/// Removes the indentation of a block inside a list.
fn without_indent(block: &str) -> String {
    let indent = block.len() - block.trim_start_matches(' ').len();
    block.lines().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
}

/// Completes a part of a manifest to an object of each kind.
fn completed(part: &str) -> Vec<String> {
    let spec = part.find("spec:\n").map_or("", |at| &part[at..]);
    let of = |kind: &str, name: &str, fields: &[&str]| {
        let missing = |field: &&&str| !spec.contains(field.split(':').next().unwrap_or(field));
        let fields: Vec<&str> = fields.iter().filter(missing).copied().collect();
        let fields = fields.iter().map(|field| format!("  {field}\n")).collect::<String>();
        let spec = spec.replacen("spec:\n", &format!("spec:\n{fields}"), 1);
        format!("{VERSION}kind: {kind}\nmetadata: {{name: {name}, namespace: team-a}}\n{spec}")
    };
    let (tenant, callback) =
        ("tenantRef: {name: main}", "redirectUris: ['https://shop.example.com/cb']");
    vec![
        of("Tenant", "part", &[]),
        of("OidcClient", "part", &[tenant, callback]),
        of("OidcUser", "part", &[tenant, "username: somebody"]),
    ]
}

/// Members of a provider's spec, with which parts of it begin.
const PROVIDER_MEMBERS: [&str; 9] = [
    "oidc:",
    "github:",
    "claimMappings:",
    "claimValidationRules:",
    "userValidationRules:",
    "refresh:",
    "assurance:",
    "signIn:",
    "subject:",
];

/// Completes members of a provider's spec to an object.
fn completed_provider(part: &str) -> String {
    let members: String = part.lines().map(|line| format!("  {line}\n")).collect();
    let oidc = "  oidc: {issuer: https://login.example.com, clientId: lanyard}\n";
    let oidc = if part.starts_with("oidc:") { "" } else { oidc };
    format!(
        "{VERSION}kind: IdentityProvider\nmetadata: {{name: part, namespace: team-a}}\nspec:\n  tenantRef: {{name: main}}\n  type: OIDC\n  admit: Everyone\n{oidc}{members}"
    )
}

/// Runs `lanyard check` on a manifest together with the tenants and the provider that it may refer to.
fn check(manifest: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("it.yaml", manifest);
    for (namespace, name, spec) in TENANTS {
        let metadata = format!("metadata: {{name: {name}, namespace: {namespace}}}");
        if !(manifest.contains("kind: Tenant")
            && manifest.contains(&format!("namespace: {namespace}")))
        {
            write(
                &format!("{namespace}.yaml"),
                &format!("{VERSION}kind: Tenant\n{metadata}\nspec: {{{spec}}}\n"),
            );
        }
    }
    // The provider whose people the users of the pages are.
    if manifest.contains("{provider: corp,") {
        let provider = completed_provider("displayName: Corp");
        write("corp.yaml", &provider.replace("name: part", "name: corp"));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    let output = command.arg("check").arg(folder.path()).output().expect("it runs");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(report) }
}

#[test]
fn every_manifest_of_the_documentation_can_be_applied() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = pages_in("docs");
    pages.push(root.join("README.md"));
    let (mut whole, mut parts, mut of_providers) = (0, 0, 0);
    for page in pages {
        for block in blocks(&page) {
            if block.starts_with("apiVersion: lanyard.dev") {
                whole += 1;
                check(&block)
                    .unwrap_or_else(|report| panic!("{}: {report}\n{block}", page.display()));
            } else if PROVIDER_MEMBERS.iter().any(|member| block.starts_with(member)) {
                of_providers += 1;
                check(&completed_provider(&block))
                    .unwrap_or_else(|report| panic!("{}: {report}\n{block}", page.display()));
            } else if block.starts_with("spec:\n") || block.starts_with("kind: ") {
                parts += 1;
                let reports: Vec<String> =
                    completed(&block).iter().filter_map(|it| check(it).err()).collect();
                assert!(reports.len() < 3, "{}: {}\n{block}", page.display(), reports.join("\n"));
            }
        }
    }
    assert!(
        whole >= 6 && parts >= 10 && of_providers >= 4,
        "{whole} manifests, {parts} parts and {of_providers} parts of providers were found"
    );
}

/// The guides share one tenant, so their manifests are checked together: none conflicts with another.
#[test]
fn the_manifests_of_all_guides_can_be_applied_to_one_cluster() {
    let folder = tempfile::tempdir().expect("a folder");
    let guides = pages_in("docs/guides");
    let mut clients = 0;
    for page in &guides {
        let name = page.file_stem().expect("a name").to_string_lossy();
        let ours: Vec<String> = blocks(page)
            .into_iter()
            .filter(|block| block.contains("apiVersion: lanyard.dev"))
            .collect();
        let found =
            ours.iter().map(|block| block.matches("kind: OidcClient").count()).sum::<usize>();
        assert!(found > 0 || ["README", "nginx"].contains(&&*name), "{name} has no OidcClient");
        clients += found;
        fs::write(folder.path().join(format!("{name}.yaml")), ours.join("---\n")).expect("written");
    }
    let password = "apiVersion: v1\nkind: Secret\nmetadata: {name: ada-password, namespace: identity}\n\
                    stringData: {password: correct horse battery staple}\n";
    fs::write(folder.path().join("password.yaml"), password).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    let output = command.arg("check").arg(folder.path()).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(guides.len() >= 16 && clients >= 15, "{} guides and {clients} clients", guides.len());
}
