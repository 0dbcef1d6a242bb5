//! Keeps the Secrets that belong to objects, and drops the others.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::retention::{SecretRetention, drop_spare, reserving_part, secret_retention, spare_part},
    WatchState, put_secret,
};
use crate::{
    api::{CachedSecret, SecretState},
    model::ObjectKey,
};

impl WatchState {
    /// Stores a Secret with Lanyard's label, or only its version if it belongs to no object. Returns
    /// true if its content changed.
    pub(super) fn retain(&mut self, key: ObjectKey, secret: &CachedSecret) -> bool {
        let kept = match secret_retention(&self.objects, &self.key_secrets, &key, secret.owner()) {
            // A Secret without content has to be fetched.
            SecretRetention::Whole => secret.is_whole().then(|| secret.clone()),
            SecretRetention::Spare(owner) => {
                Some(spare_part(&mut self.spares, owner, &key, secret.clone()))
            }
            SecretRetention::Reservation => reserving_part(secret),
            SecretRetention::Version => None,
        };
        let objects = Arc::make_mut(&mut self.objects);
        if let Some(kept) = kept {
            return put_secret(objects, key, kept);
        }
        let was_there = objects.secrets.remove(&key).is_some();
        self.others.insert(key, secret.version().unwrap_or_default().to_owned());
        was_there
    }

    /// Drops the Secrets that belong to no object any more.
    pub(super) fn release(&mut self) {
        let namespaces = std::mem::take(&mut self.released);
        if namespaces.is_empty() {
            return;
        }
        let named =
            self.objects.managed.secrets().filter(|key| namespaces.contains(&key.namespace));
        let named: BTreeSet<ObjectKey> = named.cloned().collect();
        for namespace in namespaces {
            let secrets = self.objects.secrets.range(ObjectKey::within(&namespace, "")..);
            let secrets = secrets.take_while(|(key, _)| key.namespace == namespace);
            let others = &self.others;
            // A Secret that is fetched stays as long as an object names it.
            let loose =
                secrets.filter(|(key, _)| !(others.contains_key(key) && named.contains(key)));
            let loose: Vec<_> = loose.map(|(key, state)| (key.clone(), state.clone())).collect();
            for (key, state) in loose {
                if self.others.contains_key(&key) {
                    self.fetched.remove(&key);
                    Arc::make_mut(&mut self.objects).secrets.remove(&key);
                }
                drop_spare(&mut self.spares, &key);
                if let SecretState::Loaded(secret) = state {
                    self.retain(key, &secret);
                }
            }
        }
    }
}
