//! The projection: builds and publishes a snapshot from each new view. Runs on every replica and
//! writes nothing to the cluster.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{BuildCache, SnapshotHandle, build_snapshot, sealing::hold_keys};
use crate::{
    api::SourceView,
    messages::Languages,
    model::{Clock, HostSettingsReceiver, Installation, pause_after},
};

/// How long to wait for further changes after a build, at least. This limits the cost of builds
/// during a burst without delaying the first change.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// Receivers of settings that may change while the process runs.
#[derive(Clone, Debug)]
pub struct SettingsReceivers {
    /// The hosts that tenants and identity providers may use.
    pub hosts: HostSettingsReceiver,
    /// The languages of pages and mails.
    pub languages: watch::Receiver<Arc<Languages>>,
}

/// Rebuilds the snapshot whenever the view's revision or a setting changes, until the source
/// ends. Publishes nothing before all initial lists are complete and the settings are known.
pub async fn project_snapshots(
    mut views: watch::Receiver<Arc<SourceView>>,
    settings: SettingsReceivers,
    handle: SnapshotHandle,
    installation: Arc<Installation>,
    clock: Arc<dyn Clock>,
) {
    let SettingsReceivers { mut hosts, mut languages } = settings;
    let cache = Arc::new(BuildCache::default());
    let (mut built, mut held) = (None, 0);
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        let known = hosts.borrow_and_update().as_ref().map(|state| state.settings.clone());
        let texts = Arc::clone(&languages.borrow_and_update());
        // Before the initial lists are complete, a referenced object might be missing.
        if let Some(settings) = known.filter(|_| view.health.synced)
            && built.as_ref() != Some(&(view.revision, settings.clone(), Arc::clone(&texts)))
        {
            built = Some((view.revision, settings.clone(), Arc::clone(&texts)));
            let cache = Arc::clone(&cache);
            let installation = Installation {
                hosts: settings,
                languages: texts,
                ..Installation::clone(&installation)
            };
            let (now, before) = (clock.now(), handle.snapshot());
            let started = Instant::now();
            // Building takes milliseconds with thousands of objects: too long on a thread that
            // drives I/O.
            let snapshot = spawn_blocking(move || {
                let objects = &view.objects;
                let mut snapshot =
                    build_snapshot(objects, &installation, &cache, view.revision, now);
                let held = hold_keys(&mut snapshot, &before, objects, &installation, now);
                (snapshot, held)
            })
            .await;
            match snapshot {
                Ok((snapshot, now_held)) => {
                    if now_held > held {
                        tracing::warn!(
                            keys = now_held,
                            "sealing or vault keys are missing from their Secret; going on with them"
                        );
                    }
                    held = now_held;
                    handle.publish(snapshot);
                }
                Err(error) => {
                    tracing::error!(%error, "failed to build the snapshot; serving the previous one");
                }
            }
            sleep(pause_after(started.elapsed(), DEBOUNCE)).await;
        }
        tokio::select! {
            changed = views.changed() => if changed.is_err() {
                return;
            },
            // Settings that are flags never change.
            Ok(()) = hosts.changed() => {}
            Ok(()) = languages.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        api::{CachedObject, ObjectSet, SourceHealth, Tenant, TenantSpec},
        messages::{LanguageTag, MessageFile},
        model::{
            FixedClock, HostPattern, HostPermission, HostSettings, HostSettingsState, Issuer,
            KeySecrets, ManagedKind, ObjectKey, ObjectRef, SecretPermissions, Timestamp,
        },
    };

    fn view(revision: u64, synced: bool, tenant: &str) -> Arc<SourceView> {
        let mut objects = ObjectSet::default();
        let key = ObjectKey::new("team", tenant);
        objects.managed.insert(
            key.clone(),
            CachedObject::new(&key, Tenant::new(tenant, TenantSpec::default())),
        );
        let health = SourceHealth { synced, ..SourceHealth::default() };
        Arc::new(SourceView { objects: Arc::new(objects), revision, health })
    }

    fn knows(handle: &SnapshotHandle, tenant: &str) -> bool {
        let object = ObjectRef::new(ManagedKind::Tenant, ObjectKey::new("team", tenant));
        handle.snapshot().verdicts().get(&object).is_some()
    }

    #[tokio::test]
    async fn publishes_each_revision_once_the_initial_lists_are_complete() {
        let installation = Installation {
            base_url: Issuer::parse("https://id.test").expect("canonical"),
            hosts: HostSettings::default(),
            client_secrets: SecretPermissions::default(),
            dev: false,
            keeps_authenticators: true,
            mutual_tls: None,
            key_secrets: KeySecrets::new("lanyard", ""),
            languages: Languages::built_in(),
        };
        let clock = Arc::new(FixedClock::at(Timestamp::from_secs(1_800_000_000)));
        let (sender, views) = watch::channel(view(1, false, "early"));
        let handle = SnapshotHandle::new();
        let mut changes = handle.changes();
        let (settings, hosts) = watch::channel(None);
        let (texts, languages) = watch::channel(Languages::built_in());
        let receivers = SettingsReceivers { hosts, languages };
        let installation = Arc::new(installation);
        let running =
            tokio::spawn(project_snapshots(views, receivers, handle.clone(), installation, clock));
        tokio::task::yield_now().await;
        settings.send_replace(Some(Arc::new(HostSettingsState::default())));

        sender.send_replace(view(2, true, "first"));
        assert_eq!(*changes.wait_for(|revision| *revision > 0).await.expect("it runs"), 2);
        assert!(knows(&handle, "first") && !knows(&handle, "early"));

        sender.send_replace(view(3, true, "second"));
        changes.wait_for(|revision| *revision == 3).await.expect("it runs");
        assert!(knows(&handle, "second") && !knows(&handle, "first"));

        // A change of the host settings alone.
        let before = handle.snapshot();
        let host = HostPermission {
            pattern: HostPattern::parse("id.other.test").expect("a pattern"),
            namespaces: vec!["team".to_owned()],
        };
        let state = HostSettingsState {
            settings: HostSettings { issuer_hosts: vec![host], ..HostSettings::default() },
            ..HostSettingsState::default()
        };
        settings.send_replace(Some(Arc::new(state)));
        changes.changed().await.expect("it runs");
        assert!(!Arc::ptr_eq(&before, &handle.snapshot()) && handle.snapshot().revision == 3);

        // Other texts alone.
        let french = LanguageTag::parse("fr").expect("a tag");
        let files = BTreeMap::from([(french, MessageFile::parse("sign_in: Connexion").0)]);
        texts.send_replace(Arc::new(Languages::built_in().with_files(&files)));
        changes.changed().await.expect("it runs");
        assert_eq!(handle.snapshot().languages.tags().count(), 3);

        drop(sender);
        running.await.expect("the projection ends with its source");
    }
}
