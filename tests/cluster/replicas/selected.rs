//! `watchNamespacesSelector`: namespaces are served by label and role binding.

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON,
    cluster::{ApiServer, Replica, eventually},
    turns,
};

const SELECTOR: &str = "watchNamespacesSelector.matchLabels.sso=yes";

#[test]
fn namespaces_are_served_by_label_and_role_binding() {
    let _turn = turns::of("replicas");
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let api = ApiServer::start();
    for namespace in [NAMESPACE, "team", "other"] {
        api.kubectl(&["create", "namespace", namespace]);
    }
    let values = format!("replicas=0,image.repository=lanyard,{SELECTOR}");
    api.helm(&["install", "lanyard", "charts/lanyard", "-n", NAMESPACE, "--set", &values])
        .expect("the chart installs");
    let selector = [("LANYARD_WATCH_NAMESPACES_SELECTOR", "sso=yes")];
    let replica = Replica::start(&api, NAMESPACE, "selected", AUTHORITY, &selector);
    let http = reqwest::blocking::Client::new();
    let get = |port: u16, path: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let answer = http.get(url).header("host", AUTHORITY).send().map_err(|it| it.to_string())?;
        let status = answer.status().as_u16();
        Ok::<_, String>((status, answer.text().map_err(|it| it.to_string())?))
    };
    let serves = |namespace: &str, status: u16| {
        let path = format!("/{namespace}/main/.well-known/openid-configuration");
        eventually(SOON, || match get(replica.port, &path)? {
            (found, _) if found == status => Ok(()),
            found => Err(format!("{path}: {found:?}")),
        });
    };
    let forbidden = |names: &str| {
        eventually(SOON, || match get(replica.admin, "/readyz")? {
            (200, text) if text.contains(&format!("\"forbiddenNamespaces\":{names}")) => Ok(()),
            found => Err(format!("{found:?}, not {names}")),
        });
    };
    eventually(SOON, || api.try_apply(OBJECTS));
    api.apply(&OBJECTS.replace("namespace: team", "namespace: other"));

    forbidden("[]");
    serves("team", 404);
    api.kubectl(&["label", "namespace", "team", "sso=yes"]);
    forbidden("[\"team\"]");
    bind(&api, "team");
    serves("team", 200);
    forbidden("[]");
    bind(&api, "other");
    api.kubectl(&["label", "namespace", "other", "sso=yes"]);
    serves("other", 200);
    serves("team", 200);
    let wait = ["-n", "other", "wait", "--for=condition=Ready", "oidcclient/robot"];
    api.kubectl(&[&wait[..], &["--timeout=120s"]].concat());
    api.kubectl(&["label", "namespace", "team", "sso-"]);
    serves("team", 404);
    serves("other", 200);
    // The RoleBinding is still there.
    expect_ready(&api, "team", "Unknown NotWatched");
    expect_ready(&api, "other", "True Ready");
    api.kubectl(&["label", "namespace", "team", "sso=yes"]);
    expect_ready(&api, "team", "True Ready");
}

/// Waits for status and reason of the condition `Ready` of a namespace's objects.
fn expect_ready(api: &ApiServer, namespace: &str, expected: &str) {
    let ready = "{.status.conditions[?(@.type==\"Ready\")]";
    let path = format!("jsonpath={ready}.status}} {ready}.reason}}");
    for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
        eventually(SOON, || {
            match api.try_kubectl(&["-n", namespace, "get", object, "-o", &path])? {
                found if found == expected => Ok(()),
                found => Err(format!("{namespace} {object}: {found:?}")),
            }
        });
    }
}

fn bind(api: &ApiServer, namespace: &str) {
    api.kubectl(&[
        "-n",
        namespace,
        "create",
        "rolebinding",
        "lanyard",
        "--clusterrole=lanyard-system-lanyard-watched",
        "--serviceaccount=lanyard-system:lanyard",
    ]);
}
