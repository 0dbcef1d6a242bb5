//! `lanyard check`: the cluster's validation offline, for the CI of a repository with manifests.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::{
    api::{ConditionReason, NamespaceLabels, ObjectSet, OidcClient, ResourceServer},
    cli::CheckArgs,
    config,
    messages::Languages,
    model::{
        Clock, HostSettings, Installation, KeySecrets, ManagedKind, MutualTlsUrl, ObjectKind,
        ObjectRef, SecretPermissions, SystemClock,
    },
    registry::{BuildCache, Snapshot, ValidationProblem, build_snapshot},
    source::{
        folder::{CachedManifest, collect_objects},
        language_files::{LanguageFileProblem, LanguageFolder},
        manifests::{self, ManifestObject},
    },
};

/// Mark of a problem that does not change the exit status.
const WARNING: &str = "warning: ";
/// The argument for standard input, and its name in messages.
const STANDARD_INPUT: (&str, &str) = ("-", "standard input");

/// Prints each problem as `file:line: object: field: message`; exits with status 1 if there are any.
pub fn run_check(args: &CheckArgs) -> Result<ExitCode> {
    let mut files = Vec::new();
    for path in &args.paths {
        if path == Path::new(STANDARD_INPUT.0) {
            files.push(PathBuf::from(STANDARD_INPUT.1));
        } else {
            files.extend(
                manifests::find_manifest_files(path).with_context(|| path.display().to_string())?,
            );
        }
    }
    let reads_input = args.paths.iter().any(|path| path == Path::new(STANDARD_INPUT.0));
    let mut output = io::stdout().lock();
    let (mut problems, mut objects) = (0, Vec::new());
    let mut found_in: BTreeMap<ObjectRef, PathBuf> = BTreeMap::new();
    for file in &files {
        let (read, wrong) = if reads_input && file == Path::new(STANDARD_INPUT.1) {
            manifests::parse_read(file, &manifests::read_manifest_stream(io::stdin().lock()))
        } else {
            manifests::parse_manifest_file(file)
        };
        for problem in wrong {
            problems += usize::from(!problem.warning);
            let mark = if problem.warning { WARNING } else { "" };
            writeln!(output, "{mark}{problem}")?;
        }
        for object in read {
            let reference = object.reference();
            if let Some(first) = found_in.get(&reference) {
                problems += 1;
                let (file, first) = (file.display(), first.display());
                writeln!(
                    output,
                    "{file}: {reference}: is also defined in {first}; remove one of them"
                )?;
            } else {
                found_in.insert(reference, file.clone());
            }
            objects.push(object);
        }
    }
    problems += validate_objects(args, objects, &found_in, &mut output)?;
    problems += validate_languages(args, &mut output)?;
    let (files, checked) = (files.len(), found_in.len());
    writeln!(output, "{checked} objects in {files} files: {problems} problems")?;
    if files == 0 && !args.paths.is_empty() {
        // A mistyped path must not look like success.
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        writeln!(
            output,
            "no .yaml, .yml or .json file in {}: is it the right folder?",
            paths.join(", ")
        )?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(if problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Validates the files of `--languages`, and prints their problems and how many texts they lack.
fn validate_languages(args: &CheckArgs, output: &mut impl Write) -> Result<usize> {
    let Some(folder) = &args.languages else { return Ok(0) };
    let opened = LanguageFolder::open(folder).with_context(|| folder.display().to_string())?;
    for LanguageFileProblem { file, message } in opened.problems() {
        writeln!(output, "{}: {message}", file.display())?;
    }
    for (tag, missing) in opened.missing().filter(|(_, missing)| *missing > 0) {
        writeln!(
            output,
            "{WARNING}{tag}: {missing} messages are missing, which are shown in another language; lanyard messages --locale {tag} prints all"
        )?;
    }
    Ok(opened.problems().len())
}

/// Validates the objects together, and prints the problems of each.
fn validate_objects(
    args: &CheckArgs,
    objects: Vec<ManifestObject>,
    found_in: &BTreeMap<ObjectRef, PathBuf>,
    output: &mut impl Write,
) -> Result<usize> {
    let installation = Installation {
        base_url: config::base_url(&args.base_url)?,
        hosts: HostSettings::default(),
        client_secrets: SecretPermissions::default(),
        dev: true,
        keeps_authenticators: true,
        mutual_tls: MutualTlsUrl::parse("https://mtls.{host}"),
        key_secrets: KeySecrets::new("", ""),
        languages: Languages::built_in(),
    };
    let objects = collect_objects(objects.into_iter().map(CachedManifest::of));
    let now = SystemClock.now();
    let snapshot = build_snapshot(&objects, &installation, &BuildCache::default(), 1, now);
    // The same without any labels of namespaces: shows which problems depend on labels.
    let unlabelled = ObjectSet { namespaces: NamespaceLabels::Unavailable, ..objects.clone() };
    let unlabelled = build_snapshot(&unlabelled, &installation, &BuildCache::default(), 1, now);
    // The same in an installation that permits nothing beyond the defaults.
    let strict = Installation { dev: false, ..installation.clone() };
    let strict = build_snapshot(&objects, &strict, &BuildCache::default(), 1, now);
    let mut problems = 0;
    for verdict in snapshot.verdicts().iter() {
        let reference = &verdict.object;
        let file = found_in.get(reference).map(|file| file.display().to_string());
        let file = file.unwrap_or_default();
        for problem in refusals(&strict, reference) {
            let text = problem.text();
            writeln!(
                output,
                "{WARNING}{file}: {reference}: {text}; lanyard check knows no installation"
            )?;
        }
        for problem in &verdict.problems {
            let (mark, note) = match severity(problem.reason) {
                Severity::Expected => continue,
                Severity::Problem
                    if depends_on_labels(problem, reference, &objects, &unlabelled) =>
                {
                    let namespace = &reference.key.namespace;
                    (WARNING, format!("; Namespace {namespace:?} is not among the files"))
                }
                Severity::Problem => {
                    problems += 1;
                    ("", String::new())
                }
                Severity::Warning => (WARNING, String::new()),
            };
            writeln!(output, "{mark}{file}: {reference}: {}{note}", problem.text())?;
        }
        // The files are for a cluster.
        let is_of_dev = |it: &&ValidationProblem| it.reason == ConditionReason::NoCluster;
        for warning in verdict.warnings.iter().filter(|it| !is_of_dev(it)) {
            writeln!(output, "{WARNING}{file}: {reference}: {}", warning.text())?;
        }
    }
    warn_of_unknown_labels((&objects, &snapshot, &unlabelled), found_in, output)?;
    Ok(problems)
}

/// The problems of an object that go away with a permission of the installation.
fn refusals<'a>(
    snapshot: &'a Snapshot,
    reference: &ObjectRef,
) -> impl Iterator<Item = &'a ValidationProblem> {
    snapshot.verdicts().get(reference).into_iter().flat_map(|verdict| &verdict.problems).filter(
        |problem| {
            matches!(
                problem.reason,
                ConditionReason::SecretMetadataNotAllowed | ConditionReason::HostNotAllowed
            )
        },
    )
}

/// How much a problem matters, apart from a cluster.
enum Severity {
    Problem,
    /// The files may be complete only with others.
    Warning,
    /// Lanyard changes it, or it follows from another problem.
    Expected,
}

fn severity(reason: ConditionReason) -> Severity {
    match reason {
        ConditionReason::Pending
        | ConditionReason::NotServed
        | ConditionReason::WriteFailed
        | ConditionReason::ClientNotReady
        | ConditionReason::TenantNotAccepted => Severity::Expected,
        // Secrets are rarely stored with manifests.
        ConditionReason::SecretNotFound => Severity::Warning,
        _ => Severity::Problem,
    }
}

/// Whether an object is refused because of labels of a Namespace that is not among the files.
fn depends_on_labels(
    problem: &ValidationProblem,
    reference: &ObjectRef,
    objects: &ObjectSet,
    unlabelled: &Snapshot,
) -> bool {
    let NamespaceLabels::Known(known) = &objects.namespaces else { return false };
    problem.reason == ConditionReason::NamespaceNotAllowed
        && !known.contains_key(&*reference.key.namespace)
        && unlabelled.verdicts().get(reference).is_some_and(|verdict| {
            let mut reasons = verdict.problems.iter().map(|problem| problem.reason);
            reasons.any(|reason| reason == ConditionReason::SelectorUnavailable)
        })
}

/// Warns of objects that are valid in the files, where a cluster may decide otherwise by the labels of a Namespace
/// that is not among the files.
fn warn_of_unknown_labels(
    (objects, snapshot, unlabelled): (&ObjectSet, &Snapshot, &Snapshot),
    found_in: &BTreeMap<ObjectRef, PathBuf>,
    output: &mut impl Write,
) -> Result<()> {
    let NamespaceLabels::Known(known) = &objects.namespaces else { return Ok(()) };
    for verdict in unlabelled.verdicts().iter() {
        let reference = &verdict.object;
        let mut all = verdict.problems.iter().chain(&verdict.warnings);
        let Some(found) = all.find(|it| it.reason == ConditionReason::SelectorUnavailable) else {
            continue;
        };
        let is_reported = snapshot.verdicts().get(reference).is_some_and(|verdict| {
            verdict.problems.iter().any(|it| it.reason == ConditionReason::NamespaceNotAllowed)
        });
        if is_reported {
            continue;
        }
        let file = found_in.get(reference).map(|file| file.display().to_string());
        let (file, field) = (file.unwrap_or_default(), &found.field);
        let namespaces = selected_namespaces(objects, reference);
        for namespace in namespaces.iter().filter(|namespace| !known.contains_key(**namespace)) {
            writeln!(
                output,
                "{WARNING}{file}: {reference}: {field}: depends on the labels of Namespace {namespace:?}, which is not among the files"
            )?;
        }
    }
    Ok(())
}

/// The namespaces whose labels decide about an object: those of the clients of other namespaces that a resource server
/// may admit, and the own one of a client.
fn selected_namespaces<'o>(objects: &'o ObjectSet, reference: &'o ObjectRef) -> BTreeSet<&'o str> {
    let own: &str = &reference.key.namespace;
    let server = objects.managed.get::<ResourceServer>(&reference.key);
    let is_server = reference.kind == ObjectKind::Managed(ManagedKind::ResourceServer);
    let Some(server) = server.filter(|_| is_server) else { return BTreeSet::from([own]) };
    let tenant = &server.summary().tenant;
    let clients = objects.managed.of::<OidcClient>();
    let clients = clients.filter(|(_, client)| client.summary().tenant == *tenant);
    let namespaces = clients.map(|(key, _)| &*key.namespace);
    namespaces.filter(|namespace| *namespace != own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of problems of manifests, and the output.
    fn check(text: &str) -> (usize, String) {
        let args = CheckArgs {
            paths: Vec::new(),
            languages: None,
            base_url: "https://id.test".to_owned(),
        };
        let (objects, problems) = manifests::parse_text(Path::new("f.yaml"), text);
        assert!(problems.is_empty(), "{problems:?}");
        let files = objects.iter().map(|object| (object.reference(), PathBuf::from("f.yaml")));
        let (files, mut output) = (files.collect(), Vec::new());
        let problems = validate_objects(&args, objects, &files, &mut output).expect("written");
        (problems, String::from_utf8(output).expect("text"))
    }

    const TENANT: &str = "apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec:
  clients:
    namespaces: {from: Selector, selector: {matchLabels: {app: wiki}}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wiki, namespace: wiki}
spec:
  tenantRef: {name: main, namespace: team}
  redirectUris: [https://wiki.test/cb]
";

    #[test]
    fn labels_of_an_absent_namespace_are_a_warning() {
        let (problems, output) = check(TENANT);
        assert_eq!(problems, 0, "{output}");
        assert!(output.contains("warning: f.yaml: OidcClient wiki/wiki"), "{output}");
        assert!(output.contains("Namespace \"wiki\" is not among the files"), "{output}");
        let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: wiki}\n";
        assert_eq!(check(&format!("{TENANT}{namespace}")).0, 1, "it has no such label");
        assert_eq!(check(&TENANT.replace("app: wiki", "kubernetes.io/metadata.name: x")).0, 1);
    }

    #[test]
    fn unknown_labels_that_decide_about_clients_are_a_warning() {
        let server = "---
apiVersion: lanyard.dev/v1alpha1
kind: ResourceServer
metadata: {name: api, namespace: team}
spec:
  tenantRef: {name: main}
  identifier: https://api.test
  clients: {namespaces: {from: Selector, selector: {matchLabels: {app: wiki}}}}
";
        let namespace =
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: wiki, labels: {app: wiki}}\n";
        let warning = "Namespace \"wiki\", which is not among the files";
        let open =
            TENANT.replace("{from: Selector, selector: {matchLabels: {app: wiki}}}", "{from: All}");
        let of_server = format!("{open}{server}");
        // A selector that an absent label satisfies.
        let of_client = TENANT.replace(
            "matchLabels: {app: wiki}",
            "matchExpressions: [{key: app, operator: DoesNotExist}]",
        );
        for (text, line) in [
            (&of_server, "ResourceServer team/api: spec.clients.namespaces.selector: "),
            (&of_client, "OidcClient wiki/wiki: spec.tenantRef: "),
        ] {
            let (problems, output) = check(text);
            assert_eq!(problems, 0, "{output}");
            let found: Vec<_> = output.lines().filter(|it| it.contains(warning)).collect();
            assert_eq!(found.len(), 1, "{output}");
            assert!(found[0].starts_with(&format!("warning: f.yaml: {line}")), "{output}");
            assert!(!check(&format!("{text}{namespace}")).1.contains(warning), "it is known");
        }
        let by_name = of_server.replace("{app: wiki}", "{kubernetes.io/metadata.name: wiki}");
        assert!(!check(&by_name).1.contains(warning), "names need no labels");
        assert!(!check(&format!("{}{server}", open.replace("wiki}", "team}"))).1.contains(warning));
    }

    #[test]
    fn permissions_of_the_installation_are_warnings() {
        let manifest =
            TENANT.replacen("spec:\n", "spec:\n  issuer: https://other.test/team/main\n", 1);
        let client = "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: argocd, namespace: team}
spec:
  tenantRef: {name: main}
  redirectUris: [https://argocd.test/cb]
  secret: {labels: {argocd.argoproj.io/secret-type: cluster}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: jellyfin, namespace: team}
spec:
  tenantRef: {name: main}
  redirectUris: [http://jellyfin.home.lan/cb]
";
        let (problems, output) = check(&format!("{manifest}{client}"));
        assert_eq!(problems, 0, "{output}");
        for text in ["may not use the host other.test", "clientSecrets.keys", "jellyfin.home.lan"] {
            let line = output.lines().find(|line| line.contains(text));
            assert!(line.is_some_and(|line| line.starts_with("warning: f.yaml: ")), "{output}");
        }
        let (_, output) = check(TENANT);
        assert!(!output.contains("knows no installation"), "{output}");
    }

    #[test]
    fn key_secrets_are_judged() {
        let tenant = "apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec:
  signing: {secretRef: {name: keys}}
";
        let (problems, output) = check(tenant);
        assert_eq!(problems, 0, "{output}");
        assert!(output.contains("warning: "), "the Secret is not among the files: {output}");
        let secret = "---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: team}
stringData: {key.pem: not a key}
";
        let (problems, output) = check(&format!("{tenant}{secret}"));
        assert_eq!(problems, 1, "{output}");
        assert!(output.contains("key.pem"), "{output}");
    }

    #[test]
    fn an_invitation_that_cannot_be_used_is_a_warning() {
        let manifest = "apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {authenticators: {passwords: Optional}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, namespace: team}
spec:
  tenantRef: {name: main}
  username: ada
  invitation: {id: one, notAfter: '2999-01-01T00:00:00Z'}
";
        let (problems, output) = check(manifest);
        assert_eq!((problems, output.contains("warning")), (0, false), "{output}");
        let (problems, output) = check(&manifest.replace("Optional", "Disabled"));
        assert_eq!(problems, 0, "{output}");
        assert!(
            output.contains("warning: f.yaml: OidcUser team/ada: spec.invitation: "),
            "{output}"
        );
        let (problems, output) = check(&manifest.replace("id: one", "id: -one"));
        assert_eq!(problems, 1, "{output}");
    }

    #[test]
    fn a_client_that_waits_for_its_secret_does_not_affect_its_provider() {
        let manifest = "apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: corp, namespace: team}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: hub, namespace: team}
spec: {tenantRef: {name: corp}}
---
apiVersion: lanyard.dev/v1alpha1
kind: IdentityProvider
metadata: {name: hub, namespace: team}
spec: {tenantRef: {name: main}, type: OIDC, oidc: {clientRef: {name: hub}}, admit: Everyone}
";
        let (problems, output) = check(manifest);
        assert_eq!(problems, 0, "{output}");
        let (problems, output) =
            check(&manifest.replace("clientRef: {name: hub}", "clientRef: {name: x}"));
        assert!(output.contains("OidcClient \"x\" not found"), "{output}");
        assert!(problems > 0);
    }
}
