//! Objects of a namespace that is no longer watched say so, where Lanyard may write there.

use super::{AUTHORITY, NAMESPACE, OBJECTS, SOON, World, cluster::Replica, eventually, turns};

#[test]
fn objects_of_a_namespace_that_is_no_longer_watched_say_so() {
    let _turn = turns::of("replicas");
    // The chart without `watchNamespaces` gives rights in the whole cluster.
    let mut world = World::start();
    world.replicas.clear();
    let other = OBJECTS.replace("namespace: team", "namespace: other");
    eventually(SOON, || world.api.try_apply(OBJECTS));
    world.api.apply(&other);
    {
        let _both = world.start_watching("both", "team,other");
        for namespace in ["team", "other"] {
            world.becomes_ready(namespace, "True Ready");
        }
    }
    let client_id = "jsonpath={.status.clientId}";
    let before = world.api.kubectl(&["-n", "other", "get", "oidcclient", "robot", "-o", client_id]);
    {
        let _one = world.start_watching("one", "team");
        world.becomes_ready("other", "Unknown NotWatched");
        let message = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
        let args = ["-n", "other", "get", "oidcclient", "robot", "-o", message];
        let message = world.api.kubectl(&args);
        assert!(message.contains("watchNamespaces"), "{message}");
        world.becomes_ready("team", "True Ready");
    }
    let after = world.api.kubectl(&["-n", "other", "get", "oidcclient", "robot", "-o", client_id]);
    assert_eq!((&*before, before.as_str()), ("other.robot", after.as_str()), "the rest is kept");
    let _again = world.start_watching("again", "team,other");
    for namespace in ["team", "other"] {
        world.becomes_ready(namespace, "True Ready");
    }
}

impl World {
    fn start_watching(&self, name: &'static str, namespaces: &str) -> Replica {
        let watched = [("LANYARD_WATCH_NAMESPACES", namespaces)];
        Replica::start(&self.api, NAMESPACE, name, AUTHORITY, &watched)
    }

    /// Waits until the tenant and the client of a namespace have a status and reason of `Ready`.
    fn becomes_ready(&self, namespace: &str, state: &str) {
        let ready = "{.status.conditions[?(@.type==\"Ready\")]";
        let path = format!("jsonpath={ready}.status}} {ready}.reason}}");
        for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
            eventually(SOON, || {
                let args = ["-n", namespace, "get", object, "-o", &path];
                match self.api.try_kubectl(&args)? {
                    found if found == state => Ok(()),
                    found => Err(format!("{namespace} {object}: {found:?}, not {state:?}")),
                }
            });
        }
    }
}
